using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Bytes of a run that follow each other in one file, or padding.</summary>
/// <param name="File">Index in <see cref="Metainfo.Files"/>; <see cref="FileMap.NoFile"/>: zeros that nobody sends.</param>
/// <param name="From">Where they begin in the file.</param>
/// <param name="Length">Bytes, from 1.</param>
internal readonly record struct WebSeedPart(int File, long From, long Length);

/// <summary>Blocks that follow each other, to be fetched together. Their bytes are those of the parts, in order.</summary>
internal sealed class WebSeedRun(IReadOnlyList<BlockRef> blocks, IReadOnlyList<WebSeedPart> parts)
{
    private readonly HashSet<BlockRef> _cancelled = [];

    public IReadOnlyList<BlockRef> Blocks => blocks;

    public IReadOnlyList<WebSeedPart> Parts => parts;

    /// <summary>Blocks handed over or thrown away so far.</summary>
    public int Done { get; private set; }

    /// <summary>Nobody wants any of the blocks that are still to come.</summary>
    public bool IsPointless => _cancelled.Count >= blocks.Count - Done;

    /// <summary>Nobody wants the block any more.</summary>
    public bool Cancel(BlockRef block)
    {
        for (var i = Done; i < blocks.Count; i++)
        {
            if (blocks[i] == block)
            {
                return _cancelled.Add(block);
            }
        }

        return false;
    }

    /// <summary>The next block is whole. Returns whether it is still wanted.</summary>
    public bool Complete() => !_cancelled.Remove(blocks[Done++]);
}

/// <summary>
/// What the swarm asks of one web seed and no request has been made for yet; makes runs of it that are worth a request.
/// </summary>
internal sealed class WebSeedQueue(PieceLayout layout, FileMap files, WebSeedLimits limits)
{
    // In the order they were asked for; those taken or cancelled meanwhile are not in the set any more.
    private readonly Queue<BlockRef> _order = new();
    private readonly HashSet<BlockRef> _waiting = [];

    public int Count => _waiting.Count;

    public void Add(BlockRef block)
    {
        if (_waiting.Add(block))
        {
            _order.Enqueue(block);
        }
    }

    /// <summary>False if it is not here: in a run already, or never asked for.</summary>
    public bool Cancel(BlockRef block) => _waiting.Remove(block);

    /// <summary>The block that has waited longest and those that follow it; null: there is none.</summary>
    public WebSeedRun? Take()
    {
        BlockRef next = default;
        var found = false;
        while (!found && _order.TryDequeue(out next))
        {
            found = _waiting.Remove(next);
        }

        if (!found)
        {
            return null;
        }

        var blocks = new List<BlockRef>();
        var parts = new List<WebSeedPart>();
        var fileParts = 0;
        while (true)
        {
            blocks.Add(next);
            fileParts += AddParts(parts, next);
            if (
                blocks.Count == limits.MaxBlocksPerRun
                || fileParts >= limits.MaxFilesPerRun
                || Successor(next) is not { } successor
                || !_waiting.Remove(successor)
            )
            {
                return new WebSeedRun(blocks, parts);
            }

            next = successor;
        }
    }

    /// <summary>Adds the bytes of a block; returns how many requests that costs more.</summary>
    private int AddParts(List<WebSeedPart> parts, BlockRef block)
    {
        var added = 0;
        var offset = layout.OffsetOf(block.Piece) + block.Begin;
        foreach (var span in files.Locate(offset, layout.SizeOf(block)))
        {
            if (
                parts.Count > 0
                && parts[^1] is var last
                && last.File == span.File
                && (span.File == FileMap.NoFile || last.From + last.Length == span.FileOffset)
            )
            {
                parts[^1] = last with { Length = last.Length + span.Length };
            }
            else
            {
                parts.Add(new WebSeedPart(span.File, span.FileOffset, span.Length));
                added += span.File == FileMap.NoFile ? 0 : 1;
            }
        }

        return added;
    }

    private BlockRef? Successor(BlockRef block)
    {
        if (block.Block + 1 < layout.DataBlockCount(block.Piece))
        {
            return new BlockRef(block.Piece, block.Block + 1);
        }

        return block.Piece.Value + 1 < layout.PieceCount ? new BlockRef(layout.Piece(block.Piece.Value + 1), 0) : null;
    }
}
