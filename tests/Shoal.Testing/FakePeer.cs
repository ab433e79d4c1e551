using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>The other end of a link in tests: writes whatever bytes the test likes, and reads messages one by one.</summary>
internal sealed class FakePeer(MemoryTransport transport) : IDisposable
{
    /// <summary>A test that waits longer than this, in real time, has failed.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static readonly PeerId Id = new([.. "-FP0000-0123456789ab"u8]);

    private readonly byte[] _buffer = new byte[2 * 1024 * 1024];
    private int _start;
    private int _end;

    public MemoryTransport Transport => transport;

    public Task SendAsync(ReadOnlyMemory<byte> bytes) => transport.SendAsync(bytes).AsTask().WaitAsync(Patience);

    public Task SendAsync(string hex) => SendAsync(Convert.FromHexString(hex));

    public Task SendHandshakeAsync(InfoHash infoHash, HandshakeFeatures features = HandshakeFeatures.Fast)
    {
        var bytes = new byte[Handshake.Size];
        new Handshake(features, infoHash, Id).Write(bytes);
        return SendAsync(bytes);
    }

    public Task SendPieceAsync(uint piece, uint begin, byte[] block)
    {
        var bytes = new byte[PeerMessageWriter.PiecePrefixLength + block.Length];
        PeerMessageWriter.WritePiecePrefix(bytes, piece, begin, block.Length);
        block.CopyTo(bytes, PeerMessageWriter.PiecePrefixLength);
        return SendAsync(bytes);
    }

    public async Task<Handshake> ReadHandshakeAsync()
    {
        while (_end - _start < Handshake.Size)
        {
            await ReceiveAsync();
        }

        Handshake.Read(_buffer.AsSpan(_start, Handshake.Size), out var handshake);
        _start += Handshake.Size;
        return handshake;
    }

    /// <summary>The next message in words, such as "Have 7"; "end" once the link has hung up.</summary>
    public async Task<string> ReadAsync()
    {
        while (true)
        {
            if (TryRead(out var text))
            {
                return text;
            }

            if (!await ReceiveAsync())
            {
                return "end";
            }
        }
    }

    /// <summary>Reads and drops everything until the link hangs up.</summary>
    public async Task ReadToEndAsync()
    {
        do
        {
            (_start, _end) = (0, 0);
        } while (await ReceiveAsync());
    }

    public void Dispose() => transport.Dispose();

    private bool TryRead(out string text)
    {
        text = "";
        var input = _buffer.AsSpan(_start, _end - _start);
        var status = PeerMessageReader.Read(
            input,
            PeerWireLimits.Default,
            out var message,
            out var taken,
            out _,
            out _
        );
        if (status == ReadStatus.Malformed)
        {
            throw new InvalidDataException("the link wrote a malformed message");
        }

        _start += taken;
        text = (message.Kind, message.Id) switch
        {
            (PeerMessageKind.KeepAlive, _) => "keep-alive",
            (_, MessageId.Piece) => $"Piece {message.Piece} {message.Begin} {message.Length}",
            (_, MessageId.Request or MessageId.Cancel or MessageId.Reject) =>
                $"{message.Id} {message.Piece} {message.Begin} {message.Length}",
            (_, MessageId.Have or MessageId.Suggest or MessageId.AllowedFast or MessageId.Port) =>
                $"{message.Id} {message.Piece}",
            (_, MessageId.Extended) => $"Extended {message.Piece} {Convert.ToHexStringLower(message.Payload)}",
            (_, MessageId.Bitfield or MessageId.HashRequest or MessageId.Hashes or MessageId.HashReject) =>
                $"{message.Id} {Convert.ToHexStringLower(message.Payload)}",
            _ => message.Id.ToString(),
        };
        return status == ReadStatus.Ok;
    }

    private async Task<bool> ReceiveAsync()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        var received = await transport.ReceiveAsync(_buffer.AsMemory(_end)).AsTask().WaitAsync(Patience);
        _end += received;
        return received > 0;
    }
}

/// <summary>A torrent as a link sees it, with a mailbox that the test empties by hand.</summary>
internal sealed class FakeLinkHost(TimeProvider time, int poolLimit = 64) : ILinkHost, ISwarmMailbox
{
    private readonly System.Threading.Channels.Channel<SwarmEvent> _events =
        System.Threading.Channels.Channel.CreateUnbounded<SwarmEvent>();

    public InfoHashes InfoHashes { get; init; } = new(new Sha1Digest([.. Enumerable.Repeat((byte)0x11, 20)]), null);

    public PeerId PeerId { get; init; } = new([.. "-SH0000-ourselves000"u8]);

    public HandshakeFeatures Features { get; init; } =
        HandshakeFeatures.Fast | HandshakeFeatures.Extensions | HandshakeFeatures.V2;

    public ILinkSecurity? Security { get; init; }

    public ISwarmMailbox Mailbox => this;

    public BlockPool ReceivePool { get; } = new(poolLimit);

    public RateGate DownloadGate { get; } = new(time);

    public RateGate UploadGate { get; } = new(time);

    /// <summary>How many events each post brought.</summary>
    public List<int> Batches { get; } = [];

    public static IPEndPoint Remote { get; } = new(IPAddress.Parse("192.0.2.7"), 6881);

    public static PeerIntroduction Introduction { get; } =
        new()
        {
            EndPoint = Remote,
            PeerId = FakePeer.Id,
            Capabilities = PeerCapabilities.Fast,
            IsOutgoing = true,
            InfoHash = new InfoHash([.. Enumerable.Repeat((byte)0x11, 20)]),
        };

    public ValueTask PostAsync(ReadOnlyMemory<SwarmEvent> batch, CancellationToken cancellation)
    {
        lock (Batches)
        {
            Batches.Add(batch.Length);
        }

        foreach (var item in batch.Span)
        {
            _events.Writer.TryWrite(item);
        }

        return ValueTask.CompletedTask;
    }

    public Task<SwarmEvent> NextAsync() => _events.Reader.ReadAsync().AsTask().WaitAsync(FakePeer.Patience);

    public bool TryNext(out SwarmEvent item) => _events.Reader.TryRead(out item);
}
