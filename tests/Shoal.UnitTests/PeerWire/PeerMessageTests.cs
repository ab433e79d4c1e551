using System.Buffers.Binary;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class PeerMessageTests
{
    private static readonly PeerWireLimits Limits = PeerWireLimits.Default;

    /// <summary>One of each message, as bytes written by hand.</summary>
    public static TheoryData<string, string> Messages =>
        new()
        {
            { "keep-alive", "00000000" },
            { "Choke", "00000001" + "00" },
            { "Unchoke", "00000001" + "01" },
            { "Interested", "00000001" + "02" },
            { "NotInterested", "00000001" + "03" },
            { "Have 7", "00000005" + "04" + "00000007" },
            { "Bitfield [a5f0]", "00000003" + "05" + "a5f0" },
            { "Bitfield []", "00000001" + "05" },
            { "Request 1 16384 16384", "0000000d" + "06" + "00000001" + "00004000" + "00004000" },
            { "Piece 2 16384 3 [010203]", "0000000c" + "07" + "00000002" + "00004000" + "010203" },
            { "Piece 2 0 0 []", "00000009" + "07" + "00000002" + "00000000" },
            { "Cancel 1 16384 16384", "0000000d" + "08" + "00000001" + "00004000" + "00004000" },
            { "Port 6881", "00000003" + "09" + "1ae1" },
            { "Suggest 9", "00000005" + "0d" + "00000009" },
            { "HaveAll", "00000001" + "0e" },
            { "HaveNone", "00000001" + "0f" },
            { "Reject 1 16384 16384", "0000000d" + "10" + "00000001" + "00004000" + "00004000" },
            { "AllowedFast 4294967295", "00000005" + "11" + "ffffffff" },
            { "Extended 3 [6465]", "00000004" + "14" + "03" + "6465" },
            { "HashRequest [" + HashFields + "]", "00000031" + "15" + HashFields },
            { "Hashes [" + HashFields + OneHash + "]", "00000051" + "16" + HashFields + OneHash },
            { "HashReject [" + HashFields + "]", "00000031" + "17" + HashFields },
            { "unknown 200 [aa]", "00000002" + "c8" + "aa" },
        };

    private const string HashFields =
        "abababababababababababababababababababababababababababababababab" + "00000000000000080000000200000003";

    private const string OneHash = "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd";

    [Theory]
    [MemberData(nameof(Messages))]
    public void Reads_each_message_and_nothing_behind_it(string expected, string hex)
    {
        byte[] bytes = [.. Convert.FromHexString(hex), 0xde, 0xad];

        var status = PeerMessageReader.Read(bytes, Limits, out var message, out var consumed, out _, out var fault);

        Assert.Equal(ReadStatus.Ok, status);
        Assert.Equal(bytes.Length - 2, consumed);
        Assert.Equal(WireFault.None, fault);
        Assert.Equal(expected, Describe(message));
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void Asks_for_more_at_every_split_and_never_for_more_than_the_message(string expected, string hex)
    {
        var bytes = Convert.FromHexString(hex);
        for (var split = 0; split < bytes.Length; split++)
        {
            var status = PeerMessageReader.Read(
                bytes.AsSpan(0, split),
                Limits,
                out _,
                out var consumed,
                out var needed,
                out _
            );

            Assert.True(status == ReadStatus.NeedMore, $"{expected} split at {split}: {status}");
            Assert.Equal(0, consumed);
            Assert.InRange(needed, split + 1, bytes.Length);
        }
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void What_was_read_is_written_as_the_same_bytes(string expected, string hex)
    {
        var bytes = Convert.FromHexString(hex);
        PeerMessageReader.Read(bytes, Limits, out var message, out _, out _, out _);
        if (message.Kind == PeerMessageKind.Unknown)
        {
            return;
        }

        var written = new byte[bytes.Length];
        Assert.Equal(bytes.Length, Write(message, written));
        Assert.True(bytes.AsSpan().SequenceEqual(written), $"{expected}: {Convert.ToHexStringLower(written)}");
    }

    [Theory]
    [InlineData("00000002" + "00", WireFault.TooLong)] // choke with payload
    [InlineData("00000004" + "04", WireFault.WrongLength)] // have of three bytes
    [InlineData("00000006" + "04", WireFault.TooLong)]
    [InlineData("0000000c" + "06", WireFault.WrongLength)]
    [InlineData("0000000e" + "08", WireFault.TooLong)]
    [InlineData("00000008" + "07", WireFault.WrongLength)] // piece without begin
    [InlineData("0000400a" + "07", WireFault.TooLong)] // one byte more than a block
    [InlineData("00040002" + "05", WireFault.TooLong)] // 2,097,160 pieces
    [InlineData("00000002" + "09", WireFault.WrongLength)]
    [InlineData("00000004" + "09", WireFault.TooLong)]
    [InlineData("00000001" + "14", WireFault.WrongLength)] // extended without its id
    [InlineData("00100001" + "14", WireFault.TooLong)]
    [InlineData("00000030" + "15", WireFault.WrongLength)]
    [InlineData("00000032" + "17", WireFault.TooLong)]
    [InlineData("00000030" + "16", WireFault.WrongLength)]
    [InlineData("00000050" + "16", WireFault.WrongLength)] // 31 bytes of hash
    [InlineData("00004851" + "16", WireFault.TooLong)] // 577 hashes
    [InlineData("00004001" + "c8", WireFault.TooLong)]
    [InlineData("ffffffff", WireFault.TooLong)]
    [InlineData("80000000", WireFault.TooLong)]
    [InlineData("0000000d" + "06" + "00000001" + "00004000" + "00004001", WireFault.TooLong)]
    public void A_length_that_does_not_fit_the_kind_is_refused_before_the_rest_arrives(string hex, WireFault expected)
    {
        var status = PeerMessageReader.Read(
            Convert.FromHexString(hex),
            Limits,
            out _,
            out var consumed,
            out _,
            out var fault
        );

        Assert.Equal(ReadStatus.Malformed, status);
        Assert.Equal(expected, fault);
        Assert.Equal(0, consumed);
    }

    [Theory]
    [InlineData("00040001" + "05", 4 + 262_145)] // 2,097,152 pieces
    [InlineData("00004009" + "07", 4 + 9 + 16_384)]
    [InlineData("00100000" + "14", 4 + 1024 * 1024)]
    public void The_longest_message_of_a_kind_is_waited_for(string hex, int expected)
    {
        var bytes = Convert.FromHexString(hex);
        Assert.Equal(ReadStatus.NeedMore, PeerMessageReader.Read(bytes, Limits, out _, out _, out var needed, out _));
        Assert.Equal(expected, needed);
        Assert.True(expected <= PeerMessageReader.PrefixLength + Limits.MaxLength);
    }

    [Fact]
    public void Hash_request_keeps_its_fields()
    {
        Assert.True(HashRequest.TryRead(Convert.FromHexString(HashFields), out var request));
        Assert.Equal((0u, 8u, 2u, 3u), (request.BaseLayer, request.Index, request.Length, request.ProofLayers));
        Assert.Equal(HashFields, Convert.ToHexStringLower(request.ToArray()));
        Assert.False(HashRequest.TryRead(new byte[HashRequest.Size - 1], out _));
    }

    [Fact]
    public void Mutated_streams_are_read_to_an_end_within_the_limits()
    {
        byte[] stream = [.. Messages.SelectMany(row => Convert.FromHexString(row.Data.Item2))];
        Fuzz.Run(
            20_000,
            random =>
            {
                ReadOnlySpan<byte> rest = Fuzz.Mutate(random, stream);
                while (true)
                {
                    var status = PeerMessageReader.Read(
                        rest,
                        Limits,
                        out var message,
                        out var consumed,
                        out var needed,
                        out var fault
                    );
                    Assert.Equal(status == ReadStatus.Malformed, fault != WireFault.None);
                    if (status != ReadStatus.Ok)
                    {
                        Assert.True(status == ReadStatus.Malformed || needed > rest.Length);
                        Assert.True(needed <= PeerMessageReader.PrefixLength + Limits.MaxLength);
                        return;
                    }

                    Assert.InRange(consumed, PeerMessageReader.PrefixLength, rest.Length);
                    Assert.True(message.Payload.Length <= consumed);
                    rest = rest[consumed..];
                }
            }
        );
    }

    [Fact]
    public void A_prefix_is_never_judged_otherwise_than_the_whole()
    {
        byte[][] messages = [.. Messages.Select(row => Convert.FromHexString(row.Data.Item2))];
        Fuzz.Run(
            3_000,
            random =>
            {
                var bytes = Fuzz.Mutate(random, messages[random.Next(messages.Length)]);
                var whole = PeerMessageReader.Read(bytes, Limits, out _, out var consumed, out _, out _);
                for (var length = 0; length < bytes.Length; length++)
                {
                    var part = PeerMessageReader.Read(bytes.AsSpan(0, length), Limits, out _, out var c, out _, out _);
                    Assert.True(part == ReadStatus.NeedMore || (part == whole && c == consumed));
                }
            }
        );
    }

    private static string Describe(PeerMessage message)
    {
        var payload = $"[{Convert.ToHexStringLower(message.Payload)}]";
        return (message.Kind, message.Id) switch
        {
            (PeerMessageKind.KeepAlive, _) => "keep-alive",
            (PeerMessageKind.Unknown, _) => $"unknown {(byte)message.Id} {payload}",
            (_, MessageId.Have or MessageId.Suggest or MessageId.AllowedFast or MessageId.Port) =>
                $"{message.Id} {message.Piece}",
            (_, MessageId.Request or MessageId.Cancel or MessageId.Reject) =>
                $"{message.Id} {message.Piece} {message.Begin} {message.Length}",
            (_, MessageId.Piece) => $"Piece {message.Piece} {message.Begin} {message.Length} {payload}",
            (_, MessageId.Extended) => $"Extended {message.Piece} {payload}",
            (_, MessageId.Bitfield or MessageId.HashRequest or MessageId.Hashes or MessageId.HashReject) =>
                $"{message.Id} {payload}",
            _ => message.Id.ToString(),
        };
    }

    private static int Write(PeerMessage message, Span<byte> destination)
    {
        switch (message.Kind, message.Id)
        {
            case (PeerMessageKind.KeepAlive, _):
                return PeerMessageWriter.WriteKeepAlive(destination);
            case (_, MessageId.Have or MessageId.Suggest or MessageId.AllowedFast):
                return PeerMessageWriter.WriteIndex(destination, message.Id, message.Piece);
            case (_, MessageId.Request or MessageId.Cancel or MessageId.Reject):
                return PeerMessageWriter.WriteRange(
                    destination,
                    message.Id,
                    message.Piece,
                    message.Begin,
                    message.Length
                );
            case (_, MessageId.Piece):
                var prefix = PeerMessageWriter.WritePiecePrefix(
                    destination,
                    message.Piece,
                    message.Begin,
                    message.Payload.Length
                );
                message.Payload.CopyTo(destination[prefix..]);
                return prefix + message.Payload.Length;
            case (_, MessageId.Port):
                return PeerMessageWriter.WritePort(destination, (ushort)message.Piece);
            case (_, MessageId.Extended):
                return PeerMessageWriter.WriteExtended(destination, (byte)message.Piece, message.Payload);
            case (_, MessageId.Bitfield or MessageId.HashRequest or MessageId.Hashes or MessageId.HashReject):
                return PeerMessageWriter.WriteWithPayload(destination, message.Id, message.Payload);
            default:
                return PeerMessageWriter.WriteBare(destination, message.Id);
        }
    }
}
