using System.Text;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class MagnetLinkTests
{
    private const string V1 = "0123456789abcdef0123456789abcdef01234567";
    private const string V2 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private static MagnetLink Parse(string text)
    {
        Assert.True(MagnetLink.TryParse(text, out var link, out var error), error);
        return link;
    }

    [Fact]
    public void Everything_a_link_can_say_is_read_and_written_again()
    {
        var text =
            $"magnet:?xt=urn:btih:{V1}&xt=urn:btmh:1220{V2}&dn=a%20%26%20b&tr=http%3A%2F%2Ft%2Fannounce%3Fk%3D1"
            + "&tr=udp%3A%2F%2Fu%3A80&ws=http%3A%2F%2Fw%2F&xs=http%3A%2F%2Fx%2Ft.torrent&x.pe=1.2.3.4:5&x.pe=[2001:db8::1]:6&x.pe=host.example:7"
            + "&so=0,2,4,6-8";
        var link = Parse(text);
        Assert.Equal(V1, link.InfoHashes.V1.ToString());
        Assert.Equal(V2, link.InfoHashes.V2.ToString());
        Assert.Equal("a & b", link.Name);
        Assert.Equal(["http://t/announce?k=1", "udp://u:80"], link.Trackers);
        Assert.Equal(["http://w/"], link.WebSeeds);
        Assert.Equal(["http://x/t.torrent"], link.ExactSources);
        Assert.Equal([("1.2.3.4", 5), ("2001:db8::1", 6), ("host.example", 7)], link.Peers);
        Assert.Equal([(0, 0), (2, 2), (4, 4), (6, 8)], link.SelectedFiles);
        Assert.Equal([0, 2, 4, 6, 7, 8], Enumerable.Range(0, 20).Where(link.IsSelected));
        Assert.Equal(text, link.ToString());
    }

    [Theory]
    [InlineData("magnet:?xt=urn:btih:AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH")]
    [InlineData("magnet:?xt=urn:btih:aerukz4jvpg66ajdivtytk6n54asgrlh")]
    [InlineData("MAGNET:?XT=URN:BTIH:0123456789ABCDEF0123456789ABCDEF01234567")]
    [InlineData("magnet:?xt.1=urn%3Abtih%3A0123456789abcdef0123456789abcdef01234567&xt.2=urn:sha1:other")]
    [InlineData(" magnet:?&&=x&dn&xt=urn:btih:0123456789abcdef0123456789abcdef01234567\n")]
    public void An_infohash_comes_in_many_forms(string text)
    {
        var link = Parse(text);
        Assert.Equal(V1, link.InfoHashes.V1.ToString());
        Assert.Null(link.InfoHashes.V2);
        Assert.True(link.IsSelected(3));
    }

    [Theory]
    [InlineData("")]
    [InlineData("http://magnet/")]
    [InlineData("magnet:?")]
    [InlineData("magnet:?dn=x")]
    [InlineData("magnet:?xt=urn:btih:0123")]
    [InlineData("magnet:?xt=urn:btih:AERUKZ4JVPG66AJDIVTYTK6N54ASGRL1")]
    [InlineData("magnet:?xt=urn:btih:zz23456789abcdef0123456789abcdef01234567")]
    [InlineData("magnet:?xt=urn:btmh:1114" + V1)]
    [InlineData("magnet:?xt=urn:btmh:1220" + V1)]
    [InlineData("magnet:?xt=urn:btih:" + V1 + "&xt=urn:btih:ff23456789abcdef0123456789abcdef01234567")]
    public void A_link_without_one_good_infohash_is_refused(string text)
    {
        Assert.False(MagnetLink.TryParse(text, out _, out var error));
        Assert.NotEmpty(error);
    }

    [Theory]
    [InlineData("x.pe=1.2.3.4")]
    [InlineData("x.pe=1.2.3.4:0")]
    [InlineData("x.pe=1.2.3.4:65536")]
    [InlineData("x.pe=2001:db8::1:6")]
    [InlineData("x.pe=[x]:6")]
    [InlineData("x.pe=a%0d%0ab:6")]
    [InlineData("so=3-1")]
    [InlineData("so=-1")]
    [InlineData("so=99999999999")]
    [InlineData("tr=")]
    [InlineData("tr=http%3A%2F%2Fa%0d%0aHost")]
    public void Malformed_hints_are_left_out(string hint)
    {
        var link = Parse($"magnet:?xt=urn:btih:{V1}&{hint}");
        Assert.Empty(link.Peers);
        Assert.Empty(link.SelectedFiles);
        Assert.Empty(link.Trackers);
    }

    [Fact]
    public void A_link_may_not_be_endless()
    {
        Assert.False(MagnetLink.TryParse($"magnet:?xt=urn:btih:{V1}&dn=" + new string('x', 70_000), out _, out _));
        Assert.Equal([(0, int.MaxValue)], Parse($"magnet:?xt=urn:btih:{V1}&so=0-2147483647").SelectedFiles);
    }

    [Fact]
    public void Bare_infohashes_are_read()
    {
        Assert.True(MagnetLink.TryParseInfoHash(V1.ToUpperInvariant(), out var v1));
        Assert.Equal(V1, v1.V1.ToString());
        Assert.True(MagnetLink.TryParseInfoHash("AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH", out var base32));
        Assert.Equal(v1, base32);
        Assert.True(MagnetLink.TryParseInfoHash(V2, out var v2));
        Assert.Equal(V2, v2.V2.ToString());
        Assert.False(MagnetLink.TryParseInfoHash(V1 + "0", out _));
        Assert.False(MagnetLink.TryParseInfoHash("", out _));
    }

    [Fact]
    public void Mutations_never_throw_and_what_is_read_is_written_and_read_the_same()
    {
        var corpus = TestVectors.Corpus("magnet");
        Fuzz.Run(
            20_000,
            random =>
            {
                var text = Encoding.Latin1.GetString(Fuzz.Mutate(random, corpus[random.Next(corpus.Count)]));
                if (MagnetLink.TryParse(text, out var link, out _))
                {
                    var written = link.ToString();
                    Assert.Equal(written, Parse(written).ToString());
                }
            }
        );
    }
}
