using System.Globalization;
using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

public sealed class SwarmVectorTests
{
    [Fact]
    public void Peer_priority_is_that_of_BEP_40_both_ways()
    {
        using var vectors = TestVectors.Load("bep40_peer_priority.json");
        foreach (var vector in vectors.RootElement.GetProperty("cases").EnumerateArray())
        {
            var a = EndPoint("a");
            var b = EndPoint("b");
            var expected = uint.Parse(vector.GetProperty("priority").GetString()!, NumberStyles.HexNumber, null);
            Assert.Equal(expected, PeerPriority.Of(a, b));
            Assert.Equal(expected, PeerPriority.Of(b, a));

            IPEndPoint EndPoint(string name) =>
                new(
                    IPAddress.Parse(vector.GetProperty(name).GetString()!),
                    vector.GetProperty($"{name}_port").GetInt32()
                );
        }
    }

    [Fact]
    public void Allowed_fast_sets_are_those_of_BEP_6()
    {
        using var vectors = TestVectors.Load("bep6_allowed_fast.json");
        foreach (var vector in vectors.RootElement.GetProperty("cases").EnumerateArray())
        {
            Assert.True(InfoHash.TryParseHex(vector.GetProperty("infohash").GetString()!, out var hash));
            var address = IPAddress.Parse(vector.GetProperty("ip").GetString()!);
            var expected = vector.GetProperty("set").EnumerateArray().Select(index => index.GetInt32()).ToList();
            var pieces = vector.GetProperty("pieces").GetInt32();
            Assert.Equal(expected, AllowedFast.Generate(expected.Count, pieces, hash, address));
            Assert.Equal(expected, AllowedFast.Generate(expected.Count, pieces, hash, address.MapToIPv6()));
        }
    }

    [Fact]
    public void Allowed_fast_sets_end_where_the_torrent_does()
    {
        var set = AllowedFast.Generate(10, 3, default, IPAddress.Parse("1.2.3.4"));
        Assert.Equal([0, 1, 2], set.Order());
        Assert.Empty(AllowedFast.Generate(10, 3, default, IPAddress.IPv6Loopback));
        Assert.Empty(AllowedFast.Generate(10, 0, default, IPAddress.Loopback));
    }
}
