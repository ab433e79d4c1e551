using System.Text;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class ClientNameTests
{
    [Theory]
    [InlineData("-qB4520-abcdefghijkl", "qBittorrent 4.5.2")]
    [InlineData("-TR3000-abcdefghijkl", "Transmission 3.0.0")]
    [InlineData("-LT20B8-abcdefghijkl", "libtorrent 2.0.11.8")]
    [InlineData("-lt0D98-abcdefghijkl", "rtorrent 0.13.9.8")]
    [InlineData("-ZZ1234-abcdefghijkl", "ZZ 1.2.3.4")]
    [InlineData("A2-1-36-0-abcdefghij", "aria2")]
    [InlineData("M7-10-5--abcdefghijk", "BitTorrent")]
    [InlineData("-\u001b[31m--abcdefghijkl", "")]
    [InlineData("abcdefghijklmnopqrst", "")]
    public void Peer_ids_name_their_program(string id, string expected) =>
        Assert.Equal(expected, ClientName.FromPeerId(new PeerId(Encoding.Latin1.GetBytes(id))));

    [Theory]
    [InlineData("µTorrent 1.2", "µTorrent 1.2")]
    [InlineData("  two \t\r\n words  ", "two words")]
    [InlineData("a\u001b[31mred\u0007", "a[31mred")]
    [InlineData("evil\u202egpj.exe", "evilgpj.exe")]
    [InlineData("zero\u200bwidth\ufeff\ue000", "zerowidth")]
    [InlineData("\u0000\u0085\u2028", "")]
    [InlineData("", "")]
    public void Names_are_made_safe_to_print(string name, string expected) =>
        Assert.Equal(expected, ClientName.Sanitize(Encoding.UTF8.GetBytes(name)));

    [Fact]
    public void Long_names_are_cut_at_a_whole_character()
    {
        var name = ClientName.Sanitize(Encoding.UTF8.GetBytes(new string('a', 63) + "🐟" + new string('b', 100_000)));
        Assert.Equal(new string('a', 63) + "b", name);
    }

    [Fact]
    public void Any_bytes_give_a_printable_name() =>
        Fuzz.Run(
            5_000,
            random =>
            {
                var bytes = new byte[random.Next(200)];
                random.NextBytes(bytes);
                var name = ClientName.Sanitize(bytes);
                Assert.True(name.Length <= ClientName.MaxLength);
                Assert.DoesNotContain(name, char.IsControl);
                Assert.Equal(name, ClientName.Sanitize(Encoding.UTF8.GetBytes(name)));
                if (bytes.Length >= PeerId.Size)
                {
                    Assert.DoesNotContain(ClientName.FromPeerId(new PeerId(bytes.AsSpan(0, 20))), char.IsControl);
                }
            }
        );
}
