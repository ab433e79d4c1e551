using System.Text;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Links with a public key, and what stands behind them (BEP 46).</summary>
public sealed class PublicationTests
{
    private const string Key = "8543d3e6115f0f98c944077a4493dcd543e49c739fd998550a1f614ab36ed63e";
    private const string V1 = "0123456789abcdef0123456789abcdef01234567";
    private const string V2 = V1 + "0123456789abcdef01234567";

    [Fact]
    public void Vectors_of_BEP_46()
    {
        using var vectors = TestVectors.Load("bep46_btpk.json");
        foreach (var vector in vectors.RootElement.GetProperty("cases").EnumerateArray())
        {
            var text = vector.GetProperty("magnet").GetString()!;
            Assert.True(MagnetLink.TryParse(text, out var link, out var error), error);
            Assert.False(link.HasInfoHash);
            var name = link.Publication!;
            Assert.Equal(
                vector.GetProperty("target").GetString(),
                DhtItem.TargetOf(name.Key.Span, name.Salt.Span).ToString()
            );
            Assert.Equal(text, link.ToString());
        }
    }

    [Theory]
    [InlineData("xs=urn:btpk:8543", "64 hexadecimal digits")]
    [InlineData("xs=urn:btpk:" + Key + "00", "64 hexadecimal digits")]
    [InlineData(
        "xs=urn:btpk:zz43d3e6115f0f98c944077a4493dcd543e49c739fd998550a1f614ab36ed63e",
        "64 hexadecimal digits"
    )]
    [InlineData("xs=urn:btpk:" + Key + "&s=6", "salt")]
    [InlineData("xs=urn:btpk:" + Key + "&s=salt", "salt")]
    [InlineData("xs=urn:btpk:" + Key + "&s=" + V2 + V2 + "00", "at most 64")]
    [InlineData("xs=urn:btpk:" + Key + "&xs=urn:btpk:" + V2, "two different")]
    [InlineData("xs=urn:btpk:&xt=urn:btih:" + V1, "64 hexadecimal digits")]
    [InlineData("s=6e", "no public key")]
    public void A_bad_key_or_salt_is_refused(string parameters, string words)
    {
        Assert.False(MagnetLink.TryParse("magnet:?" + parameters, out _, out var error));
        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_may_have_a_torrent_to_begin_with_and_other_sources()
    {
        var text =
            $"magnet:?xt=urn:btih:{V1}&xs=URN:BTPK:{Key.ToUpperInvariant()}&xs=http%3A%2F%2Fx%2Ft.torrent&s=00FF&dn=a";
        Assert.True(MagnetLink.TryParse(text, out var link, out _));
        Assert.True(link.HasInfoHash);
        Assert.Equal((Key, "00ff"), (link.Publication!.KeyText, link.Publication.SaltText));
        Assert.Equal(["http://x/t.torrent"], link.ExactSources);
        Assert.Equal(
            $"magnet:?xt=urn:btih:{V1}&xs=urn:btpk:{Key}&s=00ff&dn=a&xs=http%3A%2F%2Fx%2Ft.torrent",
            link.ToString()
        );
        Assert.True(MagnetLink.TryParse($"magnet:?xt=urn:btih:{V1}&s=6e", out var plain, out _));
        Assert.Null(plain.Publication);
    }

    [Theory]
    [InlineData("d2:ih20:aaaaaaaaaaaaaaaaaaaae", true, false)]
    [InlineData("d2:ih20:aaaaaaaaaaaaaaaaaaaa3:ih232:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb5:otheri1ee", true, true)]
    [InlineData("d3:ih232:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbe", false, true)]
    public void What_an_item_names_is_read(string value, bool isV1, bool isV2)
    {
        Assert.True(PublishedTorrent.TryRead(Encoding.ASCII.GetBytes(value), out var torrent));
        Assert.Equal((isV1, isV2), (torrent.V1 is not null, torrent.V2 is not null));
        Assert.StartsWith(
            Encoding.ASCII.GetString(PublishedTorrent.Write(torrent))[..^1],
            value,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("de")]
    [InlineData("le")]
    [InlineData("20:aaaaaaaaaaaaaaaaaaaa")]
    [InlineData("d2:ihi5ee")]
    [InlineData("d2:ih19:aaaaaaaaaaaaaaaaaaae")]
    [InlineData("d2:ih32:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbe")]
    [InlineData("d2:ih20:aaaaaaaaaaaaaaaaaaaa3:ih21:be")]
    [InlineData("d2:ih20:aaaaaaaaaaaaaaaaaaaa")]
    [InlineData("d2:ih20:aaaaaaaaaaaaaaaaaaaaee")]
    public void What_names_no_torrent_is_refused(string value) =>
        Assert.False(PublishedTorrent.TryRead(Encoding.ASCII.GetBytes(value), out _));

    [Fact]
    public void No_value_throws()
    {
        byte[][] corpus =
        [
            "d2:ih20:aaaaaaaaaaaaaaaaaaaa3:ih232:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbe"u8.ToArray(),
            "d2:ih20:aaaaaaaaaaaaaaaaaaaa1:lld1:ai1eeee"u8.ToArray(),
        ];
        Fuzz.Run(
            20_000,
            random =>
            {
                if (PublishedTorrent.TryRead(Fuzz.Mutate(random, corpus[random.Next(corpus.Length)]), out var torrent))
                {
                    Assert.True(PublishedTorrent.TryRead(PublishedTorrent.Write(torrent), out var again));
                    Assert.Equal(torrent, again);
                }
            }
        );
    }
}
