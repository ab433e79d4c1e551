using System.Text;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>BEP 14: the datagrams.</summary>
public sealed class LocalAnnounceTests
{
    private const string Hex = "000102030405060708090a0b0c0d0e0f10111213";
    private const string Other = "ffffffffffffffffffffffffffffffffffffffff";

    private static InfoHash Hash(string hex)
    {
        Assert.True(InfoHash.TryParseHex(hex, out var hash));
        return hash;
    }

    private static LocalAnnounce? Read(string text) =>
        LocalAnnounce.TryRead(Encoding.Latin1.GetBytes(text), out var announce) ? announce : null;

    [Fact]
    public void A_datagram_is_laid_out_as_the_specification_shows_it()
    {
        var announce = new LocalAnnounce(6881, [Hash(Hex)], "c00kie");
        Assert.Equal(
            "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\n"
                + $"Infohash: {Hex}\r\ncookie: c00kie\r\n\r\n\r\n",
            Encoding.ASCII.GetString(announce.Write(LocalAnnounce.GroupV4))
        );
        Assert.Contains(
            "\r\nHost: [ff15::efc0:988f]:6771\r\n",
            Encoding.ASCII.GetString(announce.Write(LocalAnnounce.GroupV6)),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void What_is_written_is_read_and_the_longest_fits_a_packet()
    {
        var hashes = Enumerable.Range(0, 100).Select(i => new InfoHash([.. Enumerable.Repeat((byte)i, 20)])).ToList();
        var bytes = new LocalAnnounce(65535, hashes, new string('c', 16)).Write(LocalAnnounce.GroupV6);
        Assert.InRange(bytes.Length, 1300, LocalAnnounce.MaxSize);
        Assert.True(LocalAnnounce.TryRead(bytes, out var announce));
        Assert.Equal(hashes.Take(LocalAnnounce.MaxInfoHashes), announce.InfoHashes);
        Assert.Equal((ushort)65535, announce.Port);
        Assert.Equal(new string('c', 16), announce.Cookie);
    }

    [Fact]
    public void Others_write_it_differently()
    {
        var announce = Read(
            $"bt-search * http/1.1\nhost: x\nPORT:1\ninfohash:   {Other.ToUpperInvariant()}\nX-New: y\nInfohash: {Hex}\n"
        );
        Assert.NotNull(announce);
        Assert.Equal((1, null), ((int)announce.Port, announce.Cookie));
        Assert.Equal([Hash(Other), Hash(Hex)], announce.InfoHashes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("BT-SEARCH")]
    [InlineData("NOTIFY * HTTP/1.1\r\nPort: 1\r\nInfohash: " + Hex)]
    [InlineData("BT-SEARCH * HTTP/1.1\r\nInfohash: " + Hex)]
    [InlineData("BT-SEARCH * HTTP/1.1\r\nPort: 1\r\n\r\nInfohash: " + Hex)]
    [InlineData("BT-SEARCH * HTTP/1.1\r\nPort: 0\r\nInfohash: " + Hex)]
    [InlineData("BT-SEARCH * HTTP/1.1\r\nPort: 65536\r\nInfohash: " + Hex)]
    [InlineData("BT-SEARCH * HTTP/1.1\r\nPort: -1\r\nInfohash: " + Hex)]
    [InlineData("BT-SEARCH * HTTP/1.1\r\nPort: 1\r\nPort: 2\r\nInfohash: " + Hex)]
    [InlineData("BT-SEARCH * HTTP/1.1\r\nPort: 1\r\nInfohash: " + Hex + "00")]
    [InlineData("BT-SEARCH * HTTP/1.1\r\nPort: 1\r\nno header\r\nInfohash: " + Hex)]
    public void What_is_no_announce_is_not_taken(string text) => Assert.Null(Read(text));

    [Fact]
    public void Lines_without_end_are_not_read() =>
        Assert.Null(
            Read(
                "BT-SEARCH * HTTP/1.1\r\nPort: 1\r\n"
                    + string.Concat(Enumerable.Repeat("x:\r\n", 100))
                    + "Infohash: "
                    + Hex
            )
        );

    [Fact]
    public void Mutated_datagrams_never_throw()
    {
        var good = new LocalAnnounce(6881, [Hash(Hex), Hash(Other)], "abc").Write(LocalAnnounce.GroupV4);
        Fuzz.Run(
            20_000,
            random =>
            {
                var bytes = good.ToArray();
                for (var i = random.Next(4); i >= 0; i--)
                {
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                }

                if (LocalAnnounce.TryRead(bytes.AsSpan(0, random.Next(bytes.Length + 1)), out var announce))
                {
                    Assert.InRange(announce.InfoHashes.Count, 1, 2);
                    Assert.NotEqual(0, announce.Port);
                }
            }
        );
    }
}
