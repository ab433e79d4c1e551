using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class HandshakeTests
{
    private static readonly InfoHash InfoHash = new([.. Enumerable.Range(1, 20).Select(i => (byte)i)]);
    private static readonly PeerId PeerId = new([.. "-SH0100-abcdefghijkl"u8]);

    [Theory]
    [InlineData(HandshakeFeatures.None, "0000000000000000")]
    [InlineData(HandshakeFeatures.Dht, "0000000000000001")]
    [InlineData(HandshakeFeatures.Fast, "0000000000000004")]
    [InlineData(HandshakeFeatures.Extensions, "0000000000100000")]
    [InlineData(HandshakeFeatures.V2, "0000000000000010")]
    [InlineData(
        HandshakeFeatures.Dht | HandshakeFeatures.Fast | HandshakeFeatures.Extensions | HandshakeFeatures.V2,
        "0000000000100015"
    )]
    public void Features_are_these_reserved_bits(HandshakeFeatures features, string reserved)
    {
        var bytes = new byte[Handshake.Size];
        var handshake = new Handshake(features, InfoHash, PeerId);
        handshake.Write(bytes);

        // Spelled out: in C# the text "\x13B" is one character, U+013B, and of the same length.
        Assert.Equal(19, bytes[0]);
        Assert.Equal("BitTorrent protocol"u8, bytes.AsSpan(1, 19));
        Assert.Equal(reserved, Convert.ToHexStringLower(bytes.AsSpan(20, 8)));
        Assert.Equal(ReadStatus.Ok, Handshake.Read(bytes, out var read));
        Assert.Equal(handshake, read);
    }

    [Fact]
    public void Unknown_reserved_bits_are_ignored()
    {
        var bytes = new byte[Handshake.Size];
        new Handshake(HandshakeFeatures.Fast, InfoHash, PeerId).Write(bytes);
        bytes[20] = 0xff;
        bytes[27] |= 0xe8;

        Assert.Equal(ReadStatus.Ok, Handshake.Read(bytes, out var read));
        Assert.Equal(HandshakeFeatures.Fast, read.Features);
    }

    [Fact]
    public void The_infohash_is_known_before_the_peer_id_and_not_earlier()
    {
        var bytes = new byte[Handshake.Size];
        new Handshake(HandshakeFeatures.None, InfoHash, PeerId).Write(bytes);

        for (var split = 0; split < Handshake.UpToInfoHash; split++)
        {
            Assert.Equal(ReadStatus.NeedMore, Handshake.Read(bytes.AsSpan(0, split), out _));
        }

        for (var split = Handshake.UpToInfoHash; split < Handshake.Size; split++)
        {
            Assert.Equal(ReadStatus.Ok, Handshake.Read(bytes.AsSpan(0, split), out var early));
            Assert.Equal(InfoHash, early.InfoHash);
            Assert.True(early.PeerId.IsZero);
        }
    }

    [Fact]
    public void Another_protocol_is_recognised_at_its_first_wrong_byte()
    {
        Assert.Equal(ReadStatus.Malformed, Handshake.Read("GET /"u8, out _));
        for (var wrong = 0; wrong < 20; wrong++)
        {
            var bytes = Handshake.Preamble.ToArray();
            bytes[wrong] ^= 0x20;
            Assert.Equal(ReadStatus.NeedMore, Handshake.Read(bytes.AsSpan(0, wrong), out _));
            Assert.Equal(ReadStatus.Malformed, Handshake.Read(bytes.AsSpan(0, wrong + 1), out _));
        }
    }

    [Fact]
    public void Mutations_are_read_or_refused()
    {
        var bytes = new byte[Handshake.Size];
        new Handshake(HandshakeFeatures.Fast, InfoHash, PeerId).Write(bytes);
        Fuzz.Run(
            20_000,
            random =>
            {
                var mutated = Fuzz.Mutate(random, bytes);
                var status = Handshake.Read(mutated, out var handshake);
                if (status == ReadStatus.Ok)
                {
                    Assert.Equal(mutated.AsSpan(28, 20), handshake.InfoHash.Span);
                }
                else
                {
                    Assert.True(
                        status == ReadStatus.NeedMore
                            ? mutated.Length < Handshake.UpToInfoHash
                            : !mutated.AsSpan().StartsWith(Handshake.Preamble)
                    );
                }
            }
        );
    }
}
