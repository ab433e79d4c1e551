using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class UtpPacketTests
{
    private static readonly UtpHeader Header = new(UtpPacketType.Data, 0x1234, 0x01020304, 5, 6, 0xfffe, 0xabcd);

    [Fact]
    public void A_header_is_laid_out_as_the_specification_draws_it()
    {
        var bytes = new byte[UtpHeader.Size];
        Header.Write(bytes);
        Assert.Equal("0100123401020304000000050000" + "0006fffeabcd", Convert.ToHexStringLower(bytes));
        (Header with { Type = UtpPacketType.Syn }).Write(bytes);
        Assert.Equal(0x41, bytes[0]);
    }

    [Theory]
    [InlineData(UtpPacketType.Data)]
    [InlineData(UtpPacketType.Fin)]
    [InlineData(UtpPacketType.State)]
    [InlineData(UtpPacketType.Reset)]
    [InlineData(UtpPacketType.Syn)]
    public void What_is_written_is_read(UtpPacketType type)
    {
        var packet = Read(Packet(Header with { Type = type }, 0, [], "hello"u8));
        Assert.Equal(Header with { Type = type }, packet.Header);
        Assert.True(packet.Payload.SequenceEqual("hello"u8));
        Assert.True(packet.SelectiveAck.IsEmpty);
    }

    [Fact]
    public void Selective_acks_are_found_among_extensions_that_nobody_knows()
    {
        var packet = Read(Packet(Header, 7, [1, 3, 9, 9, 9, 200, 4, 1, 2, 3, 4, 0, 0], "x"u8));
        Assert.True(packet.SelectiveAck.SequenceEqual<byte>([1, 2, 3, 4]));
        Assert.True(packet.Payload.SequenceEqual("x"u8));
    }

    // BEP 29 wants multiples of four; libtorrent 2.0 sends six, or nine.
    [Fact]
    public void Selective_acks_may_have_any_length()
    {
        var packet = Read(Packet(Header, 1, [0, 6, 1, 2, 3, 4, 5, 6], "x"u8));
        Assert.True(packet.SelectiveAck.SequenceEqual<byte>([1, 2, 3, 4, 5, 6]));
        Assert.True(Read(Packet(Header, 1, [0, 0], "x"u8)).SelectiveAck.IsEmpty);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(257)]
    [InlineData(258)]
    [InlineData(259)]
    [InlineData(260)]
    [InlineData(1000)]
    [InlineData(60_000)]
    public void Padding_of_any_length_is_skipped(int length)
    {
        var padding = new byte[length];
        UtpExtension.WritePadding(padding);
        var packet = Read(Packet(Header, UtpExtension.Padding, padding, "payload"u8));
        Assert.True(packet.Payload.SequenceEqual("payload"u8));
    }

    [Theory]
    [InlineData(1, new byte[] { 1, 4, 1, 2, 3, 4, 0, 4, 1, 2, 3, 4 })]
    [InlineData(1, new byte[] { 0, 8, 1, 2, 3, 4 })]
    [InlineData(9, new byte[] { 0 })]
    [InlineData(9, new byte[] { })]
    public void Extensions_that_are_cut_off_or_repeated_are_refused(byte kind, byte[] extensions) =>
        Assert.False(UtpPacket.TryRead(Packet(Header, kind, extensions, []), out _));

    [Fact]
    public void Endless_extensions_are_refused()
    {
        byte[] empty = [.. Enumerable.Repeat<byte[]>([9, 0], UtpPacket.MaxExtensions + 1).SelectMany(e => e)];
        Assert.False(UtpPacket.TryRead(Packet(Header, 9, empty, []), out _));
    }

    [Theory]
    [InlineData(0x00)]
    [InlineData(0x02)]
    [InlineData(0x51)]
    [InlineData((int)'d')]
    public void Other_versions_types_and_protocols_are_refused(byte first)
    {
        var bytes = Packet(Header, 0, [], []);
        bytes[0] = first;
        Assert.False(UtpHeader.IsLikely(bytes));
        Assert.False(UtpPacket.TryRead(bytes, out _));
    }

    [Fact]
    public void Nothing_that_comes_makes_the_reader_fail()
    {
        byte[][] originals =
        [
            Packet(Header, 0, [], "hello"u8),
            Packet(Header, 1, [0, 4, 1, 2, 3, 4], "hello"u8),
            Packet(Header, 7, [1, 3, 9, 9, 9, 0, 4, 1, 2, 3, 4], "x"u8),
        ];
        Fuzz.Run(
            20_000,
            random =>
            {
                var bytes = Fuzz.Mutate(random, originals[random.Next(originals.Length)]);
                if (UtpPacket.TryRead(bytes, out var packet))
                {
                    Assert.True(packet.SelectiveAck.Length <= byte.MaxValue);
                    Assert.True(packet.Payload.Length <= bytes.Length - UtpHeader.Size);
                }
            }
        );
    }

    private static byte[] Packet(UtpHeader header, byte kind, byte[] extensions, ReadOnlySpan<byte> payload)
    {
        var bytes = new byte[UtpHeader.Size + extensions.Length + payload.Length];
        header.Write(bytes, kind);
        extensions.CopyTo(bytes, UtpHeader.Size);
        payload.CopyTo(bytes.AsSpan(UtpHeader.Size + extensions.Length));
        return bytes;
    }

    private static UtpPacket Read(byte[] bytes)
    {
        Assert.True(UtpPacket.TryRead(bytes, out var packet));
        return packet;
    }
}
