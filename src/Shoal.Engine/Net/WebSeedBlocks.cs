using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Makes blocks of the bytes of a run as they arrive, and posts those that are wanted. Owned by one fetcher.
/// </summary>
/// <param name="work">Knows which blocks are still wanted.</param>
/// <param name="handle">The web seed.</param>
/// <param name="layout">Of the torrent.</param>
/// <param name="host">Where buffers come from and blocks go to.</param>
internal sealed class WebSeedBlocks(IWebSeedWork work, PeerHandle handle, PieceLayout layout, ILinkHost host)
    : IDisposable
{
    private const int EventsPerBatch = 32;

    private readonly List<SwarmEvent> _events = [];
    private WebSeedRun? _run;

    // The block that is being put together.
    private BlockBuffer? _block;
    private int _filled;
    private bool _isSpoilt;

    /// <summary>What comes next are the bytes of this run.</summary>
    public void Begin(WebSeedRun run) => _run = run;

    public void Dispose()
    {
        DropBlock();
        foreach (var left in _events)
        {
            ((BlockBuffer)left.Payload!).Release();
        }

        _events.Clear();
    }

    /// <summary>Padding.</summary>
    public async Task TakeZerosAsync(long count)
    {
        var zeros = new byte[Math.Min(count, BlockBuffer.Capacity)];
        for (; count > 0; count -= Math.Min(count, zeros.Length))
        {
            await TakeAsync(zeros.AsMemory(0, (int)Math.Min(count, zeros.Length))).ConfigureAwait(false);
        }
    }

    /// <summary>The next bytes of the run.</summary>
    public async ValueTask TakeAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_block is null)
            {
                await RentAsync().ConfigureAwait(false);
            }

            var part = Math.Min(bytes.Length, layout.SizeOf(Current) - _filled);
            bytes.Span[..part].CopyTo(_block!.Span[_filled..]);
            bytes = bytes[part..];
            Advance(part);
        }
    }

    /// <summary>The next bytes of the run cannot be had: the blocks they belong to are nothing.</summary>
    public void Skip(long count)
    {
        while (count > 0)
        {
            _isSpoilt = true;
            var part = (int)Math.Min(count, layout.SizeOf(Current) - _filled);
            count -= part;
            Advance(part);
        }
    }

    private BlockRef Current => _run!.Blocks[_run.Done];

    private void Advance(int bytes)
    {
        var current = Current;
        var length = layout.SizeOf(current);
        _filled += bytes;
        if (_filled < length)
        {
            return;
        }

        var block = _block;
        var isWanted = work.Complete(_run!) && !_isSpoilt;
        (_block, _filled, _isSpoilt) = (null, 0, false);
        if (block is null)
        {
            return;
        }

        block.Length = length;
        if (!isWanted)
        {
            block.Release();
            return;
        }

        _events.Add(
            new SwarmEvent(
                SwarmEventKind.Message,
                handle,
                MessageId.Piece,
                (uint)current.Piece.Value,
                (uint)current.Begin,
                (uint)length,
                block
            )
        );
    }

    private async ValueTask RentAsync()
    {
        while (!host.ReceivePool.TryRent(out _block))
        {
            // What is in the socket stays there until the disk has caught up; what we hold must get there first.
            await PostAsync().ConfigureAwait(false);
            await host.ReceivePool.WhenAvailable(work.Closing).ConfigureAwait(false);
        }

        if (_events.Count >= EventsPerBatch)
        {
            await PostAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Hands over what is whole.</summary>
    public async ValueTask PostAsync()
    {
        if (_events.Count > 0)
        {
            // The events' buffers belong to the mailbox from here on, whatever happens.
            var events = _events.ToArray();
            _events.Clear();
            await host.Mailbox.PostAsync(events, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>The run ends here.</summary>
    public void DropBlock()
    {
        _block?.Release();
        (_block, _filled, _isSpoilt) = (null, 0, false);
    }
}
