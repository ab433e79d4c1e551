using System.Net;
using System.Text;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>The specifications' own examples.</summary>
public sealed class DhtVectorTests
{
    [Fact]
    public void Ids_fit_their_addresses_as_BEP_42_says()
    {
        using var vectors = TestVectors.Load("bep42_node_id.json");
        foreach (var valid in vectors.RootElement.GetProperty("valid").EnumerateArray())
        {
            var address = IPAddress.Parse(valid.GetProperty("ip").GetString()!);
            Assert.True(NodeIdRule.IsValid(Id(valid.GetProperty("example_node_id").GetString()!), address));
            var hash = NodeIdRule.Hash(address, valid.GetProperty("rand").GetByte());
            Assert.Equal(valid.GetProperty("crc32c").GetString(), hash.ToString("x8"));
        }

        foreach (var own in vectors.RootElement.GetProperty("ipv6_self").EnumerateArray())
        {
            var hash = NodeIdRule.Hash(
                IPAddress.Parse(own.GetProperty("ip").GetString()!),
                own.GetProperty("rand").GetByte()
            );
            Assert.Equal(own.GetProperty("crc32c").GetString(), hash.ToString("x8"));
        }

        foreach (var invalid in vectors.RootElement.GetProperty("invalid").EnumerateArray())
        {
            var address = IPAddress.Parse(invalid.GetProperty("ip").GetString()!);
            Assert.False(NodeIdRule.IsValid(Id(invalid.GetProperty("node_id").GetString()!), address));
        }

        foreach (var block in vectors.RootElement.GetProperty("exempt").EnumerateArray())
        {
            var network = IPNetwork.Parse(block.GetString()!);
            Assert.True(NodeIdRule.IsValid(default, network.BaseAddress));
        }
    }

    [Theory]
    [InlineData("8.8.4.4")]
    [InlineData("2001:4860::8844")]
    public void A_made_id_fits_and_is_another_each_time(string text)
    {
        var address = IPAddress.Parse(text);
        var random = new DhtRandom(new byte[32]);
        var ids = Enumerable.Range(0, 50).Select(_ => NodeIdRule.Create(address, random)).ToHashSet();
        Assert.Equal(50, ids.Count);
        Assert.All(ids, id => Assert.True(NodeIdRule.IsValid(id, address)));
    }

    [Fact]
    public void Scrape_filters_are_those_of_BEP_33()
    {
        using var vectors = TestVectors.Load("bep33_bloom.json");
        var filter = new ScrapeFilter();
        for (var i = 0; i < 256; i++)
        {
            filter.Add(new IPAddress([192, 0, 2, (byte)i]));
        }

        for (var i = 0; i <= 0x3e7; i++)
        {
            var bytes = IPAddress.Parse("2001:db8::").GetAddressBytes();
            (bytes[14], bytes[15]) = ((byte)(i >> 8), (byte)i);
            filter.Add(new IPAddress(bytes));
        }

        Assert.Equal(vectors.RootElement.GetProperty("filter_hex").GetString(), Convert.ToHexStringLower(filter.Span));
        Assert.Equal(vectors.RootElement.GetProperty("estimate").GetDouble(), filter.Estimate(), 0.001);
        Assert.True(filter.MayContain(IPAddress.Parse("192.0.2.99")));
        Assert.False(new ScrapeFilter().MayContain(IPAddress.Parse("192.0.2.99")));
        Assert.Equal(0, new ScrapeFilter().Estimate());
        Assert.True(double.IsFinite(new ScrapeFilter([.. Enumerable.Repeat((byte)255, 256)]).Estimate()));
    }

    [Fact]
    public void Items_are_named_and_signed_as_BEP_44_says()
    {
        Assert.True(Ed25519.TryLoad(out var ed25519, out var problem), problem);
        using var vectors = TestVectors.Load("bep44_store.json");
        foreach (var vector in vectors.RootElement.GetProperty("cases").EnumerateArray())
        {
            var value = Encoding.ASCII.GetBytes(vector.GetProperty("v").GetString()!);
            var target = Id(vector.GetProperty("target").GetString()!);
            if (vector.GetProperty("kind").GetString() == "immutable")
            {
                Assert.Equal(target, DhtItem.Immutable(value).Target);
                continue;
            }

            var salt = Encoding.ASCII.GetBytes(vector.GetProperty("salt").GetString() ?? "");
            var sequence = vector.GetProperty("seq").GetInt64();
            var key = Convert.FromHexString(vector.GetProperty("k").GetString()!);
            var proof = Convert.FromHexString(vector.GetProperty("sig").GetString()!);
            var item = new DhtItem(value, new KrpcSignature(key, sequence, proof), salt);
            Assert.Equal(target, item.Target);
            Assert.Equal(
                vector.GetProperty("to_sign").GetString(),
                Encoding.ASCII.GetString(DhtItem.BytesToSign(salt, sequence, value))
            );
            Assert.True(item.HasGoodSignature(ed25519.Verify));
            Assert.False((item with { Value = "1:x"u8.ToArray() }).HasGoodSignature(ed25519.Verify));
        }
    }

    [Fact]
    public void What_we_sign_is_good_and_wrong_lengths_are_not()
    {
        Assert.True(Ed25519.TryLoad(out var ed25519, out var problem), problem);
        var seed = new byte[32];
        seed[3] = 7;
        var key = ed25519.PublicKey(seed);
        var proof = ed25519.Sign(seed, "text"u8);
        Assert.True(ed25519.Verify(key, "text"u8, proof));
        Assert.False(ed25519.Verify(key, "texT"u8, proof));
        Assert.False(ed25519.Verify(key.AsSpan(0, 31), "text"u8, proof));
        Assert.False(ed25519.Verify(key, "text"u8, proof.AsSpan(0, 63)));
        Assert.False(ed25519.Verify(key, ""u8, proof));
    }

    [Fact]
    public void Without_the_library_there_is_a_clear_message()
    {
        Assert.False(Ed25519.TryLoad(["libnothing-of-this-name"], out var ed25519, out var problem));
        Assert.Null(ed25519);
        Assert.Contains("libsodium23", problem, StringComparison.Ordinal);
    }

    private static NodeId Id(string hex) => new(Convert.FromHexString(hex));
}
