using System.Buffers;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// What waits to be sent to one peer. The swarm's loop fills it and never waits; the link's writer empties it.
/// </summary>
/// <remarks>
/// Two queues: encoded messages, and blocks. Messages go ahead of blocks that wait, and each queue keeps its
/// order. That is sound because no message after a block changes what the block means: a choke leaves only
/// blocks that the swarm did not take back (<see cref="SwarmEffectKind.Unsend"/>), which BEP 6 answers all the
/// same; and it keeps requests and haves from queueing behind megabytes under a rate limit.
/// </remarks>
internal sealed class LinkOutbox(PeerLinkLimits limits) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly AsyncSignal _signal = new();
    private readonly List<QueuedBlock> _blocks = [];
    private int _firstBlock;
    private byte[] _messages = [];
    private int _messagesLength;
    private long _blockBytes;
    private int _takenBack;
    private bool _isArmed;
    private bool _isKicked;
    private bool _isClosed;

    private readonly record struct QueuedBlock(uint Piece, uint Begin, BlockBuffer Buffer);

    /// <summary>
    /// Takes the effects that are messages, in order. Owns their buffers from now on, also when it returns false:
    /// the outbox is full and the connection should end. The writer is woken by <see cref="Kick"/>.
    /// </summary>
    public bool Add(ReadOnlySpan<SwarmEffect> effects)
    {
        lock (_lock)
        {
            foreach (ref readonly var effect in effects)
            {
                if (effect.Kind == SwarmEffectKind.Unsend)
                {
                    TakeBack(effect);
                }
                else if (effect.Kind == SwarmEffectKind.Send)
                {
                    Add(effect);
                }
            }

            return _messagesLength + _blockBytes <= limits.MaxOutboxBytes;
        }
    }

    /// <summary>Queues a keep-alive unless something is about to be sent anyway.</summary>
    public void AddKeepAlive()
    {
        lock (_lock)
        {
            if (!_isClosed && _messagesLength == 0)
            {
                PeerMessageWriter.WriteKeepAlive(Reserve(PeerMessageReader.PrefixLength));
                _messagesLength += PeerMessageReader.PrefixLength;
            }
        }
    }

    /// <summary>Wakes the writer if it waits. May run it, up to its first wait, inside this call.</summary>
    public void Kick()
    {
        bool isShort;
        lock (_lock)
        {
            if (!_isArmed)
            {
                _isKicked = true;
                return;
            }

            _isArmed = false;
            isShort = _blockBytes == 0;
        }

        // Messages alone are a short system call: cheaper made here than handed to another thread. Blocks are
        // copied by the kernel, which would hold up the swarm that called.
        if (isShort)
        {
            _signal.Set();
        }
        else
        {
            _signal.SetOnPool();
        }
    }

    /// <summary>
    /// The writer's side: moves what may be sent now into the batch.
    /// </summary>
    /// <param name="batch">Empty.</param>
    /// <param name="allowance">Payload bytes that may go; a block goes when it is above zero.</param>
    /// <param name="wait">If false: completes when it is worth calling again.</param>
    public bool TryTake(LinkBatch batch, int allowance, out ValueTask wait)
    {
        wait = default;
        lock (_lock)
        {
            if (_messagesLength > 0)
            {
                batch.AddMessages(_messages, _messagesLength);
                (_messages, _messagesLength) = ([], 0);
            }

            var most = Math.Min(allowance, limits.MaxBatchBytes);
            while (_firstBlock < _blocks.Count && batch.PayloadBytes < most && !batch.IsFull)
            {
                var block = _blocks[_firstBlock];
                _blocks[_firstBlock++] = default;
                _blockBytes -= block.Buffer.Length;
                batch.AddBlock(block.Piece, block.Begin, block.Buffer);
            }

            CompactBlocks();
            batch.TakenBack = _takenBack;
            _takenBack = 0;
            if (!batch.IsEmpty || _isKicked || _isClosed)
            {
                _isKicked = false;
                return true;
            }

            _isArmed = true;
            wait = _signal.Arm();
            return false;
        }
    }

    /// <summary>Whether blocks wait.</summary>
    public bool HasBlocks
    {
        get
        {
            lock (_lock)
            {
                return _firstBlock < _blocks.Count;
            }
        }
    }

    /// <summary>Refuses and releases everything, now and later, and wakes the writer.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isClosed = true;
            for (var i = _firstBlock; i < _blocks.Count; i++)
            {
                _blocks[i].Buffer.Release();
            }

            _blocks.Clear();
            _firstBlock = 0;
            _blockBytes = 0;
            GiveBack(ref _messages);
            _messagesLength = 0;
        }

        Kick();
    }

    private void Add(in SwarmEffect effect)
    {
        if (_isClosed)
        {
            (effect.Payload as BlockBuffer)?.Release();
            return;
        }

        if (effect.MessageId == MessageId.Piece)
        {
            var buffer = (BlockBuffer)effect.Payload!;
            _blocks.Add(new QueuedBlock(effect.Piece, effect.Begin, buffer));
            _blockBytes += buffer.Length;
            return;
        }

        Encode(effect);
    }

    /// <summary>Queues what is no block.</summary>
    private void Encode(in SwarmEffect effect)
    {
        ReadOnlySpan<byte> payload = effect.Payload as byte[];
        var space = Reserve(PeerMessageWriter.MaxFixedLength + payload.Length);
        _messagesLength += effect.MessageId switch
        {
            MessageId.Have or MessageId.Suggest or MessageId.AllowedFast => PeerMessageWriter.WriteIndex(
                space,
                effect.MessageId,
                effect.Piece
            ),
            MessageId.Request or MessageId.Cancel or MessageId.Reject => PeerMessageWriter.WriteRange(
                space,
                effect.MessageId,
                effect.Piece,
                effect.Begin,
                effect.Length
            ),
            MessageId.Port => PeerMessageWriter.WritePort(space, (ushort)effect.Piece),
            MessageId.Extended => PeerMessageWriter.WriteExtended(space, (byte)effect.Piece, payload),
            MessageId.Bitfield or MessageId.HashRequest or MessageId.Hashes or MessageId.HashReject =>
                PeerMessageWriter.WriteWithPayload(space, effect.MessageId, payload),
            _ => PeerMessageWriter.WriteBare(space, effect.MessageId),
        };
    }

    private void TakeBack(in SwarmEffect effect)
    {
        var kept = _firstBlock;
        for (var i = _firstBlock; i < _blocks.Count; i++)
        {
            var block = _blocks[i];
            var isMeant =
                effect.Length == 0
                || (
                    block.Piece == effect.Piece
                    && block.Begin == effect.Begin
                    && (uint)block.Buffer.Length == effect.Length
                );
            if (isMeant)
            {
                _takenBack += block.Buffer.Length;
                _blockBytes -= block.Buffer.Length;
                block.Buffer.Release();
                if (effect.MessageId == MessageId.Reject)
                {
                    Encode(effect);
                }
            }
            else
            {
                _blocks[kept++] = block;
            }
        }

        _blocks.RemoveRange(kept, _blocks.Count - kept);
        CompactBlocks();
    }

    // The list is a queue whose head moves; what was taken is dropped when it is half of it.
    private void CompactBlocks()
    {
        if (_firstBlock > 0 && _firstBlock * 2 >= _blocks.Count)
        {
            _blocks.RemoveRange(0, _firstBlock);
            _firstBlock = 0;
        }
    }

    private Span<byte> Reserve(int length)
    {
        if (_messages.Length - _messagesLength < length)
        {
            var grown = ArrayPool<byte>.Shared.Rent(Math.Max(_messagesLength * 2, _messagesLength + length));
            _messages.AsSpan(0, _messagesLength).CopyTo(grown);
            GiveBack(ref _messages);
            _messages = grown;
        }

        return _messages.AsSpan(_messagesLength);
    }

    private static void GiveBack(ref byte[] array)
    {
        if (array.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(array);
        }

        array = [];
    }
}
