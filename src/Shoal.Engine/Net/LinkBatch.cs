using System.Buffers;
using System.Runtime.InteropServices;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What one send carries: encoded messages, then blocks with their headers. Reused; owns what it holds.</summary>
internal sealed class LinkBatch(int maxPayloadBytes)
{
    // The batch ends with the block that reaches the limit, so one more than fit in it; short blocks could be
    // more, they end the batch when the headers are used up.
    private readonly int _maxBlocks = maxPayloadBytes / BlockBuffer.Capacity + 1;
    private readonly List<BlockBuffer> _blocks = [];
    private byte[] _headers = [];
    private byte[]? _messages;

    /// <summary>What to send, in order.</summary>
    public List<ArraySegment<byte>> Segments { get; } = [];

    public int PayloadBytes { get; private set; }

    /// <summary>Payload that was taken back unsent, which has to be reported too.</summary>
    public int TakenBack { get; set; }

    public bool IsEmpty => Segments.Count == 0 && TakenBack == 0;

    public bool IsFull => _blocks.Count == _maxBlocks;

    /// <summary>Takes over an array of the shared pool.</summary>
    public void AddMessages(byte[] messages, int length)
    {
        _messages = messages;
        Segments.Add(new ArraySegment<byte>(messages, 0, length));
    }

    /// <summary>Takes over the buffer.</summary>
    public void AddBlock(uint piece, uint begin, BlockBuffer buffer)
    {
        if (_headers.Length == 0)
        {
            _headers = ArrayPool<byte>.Shared.Rent(_maxBlocks * PeerMessageWriter.PiecePrefixLength);
        }

        var at = _blocks.Count * PeerMessageWriter.PiecePrefixLength;
        var length = PeerMessageWriter.WritePiecePrefix(_headers.AsSpan(at), piece, begin, buffer.Length);
        Segments.Add(new ArraySegment<byte>(_headers, at, length));
        if (buffer.Length > 0)
        {
            MemoryMarshal.TryGetArray<byte>(buffer.Memory, out var segment);
            Segments.Add(segment);
        }

        _blocks.Add(buffer);
        PayloadBytes += buffer.Length;
    }

    /// <summary>Releases everything; empty again.</summary>
    public void Clear()
    {
        foreach (var block in _blocks)
        {
            block.Release();
        }

        if (_messages is not null)
        {
            ArrayPool<byte>.Shared.Return(_messages);
            _messages = null;
        }

        if (_headers.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_headers);
            _headers = [];
        }

        _blocks.Clear();
        Segments.Clear();
        PayloadBytes = 0;
        TakenBack = 0;
    }
}
