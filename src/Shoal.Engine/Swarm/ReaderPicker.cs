using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The picker's first policy while somebody reads: blocks in the order they are read, the urgent ones of all readers
/// before what is read ahead. Nothing of it is asked of two peers here; what is late is <see cref="Readers"/>' business.
/// </summary>
internal static class ReaderPicker
{
    /// <summary>Blocks for one reader before the next has its turn.</summary>
    private const int Turn = 8;

    public static int Pick(in PickContext context, Span<BlockRef> blocks)
    {
        var count = 0;
        if (context.Readers.Count > 0)
        {
            count += InTurns(context, blocks, isUrgent: true);
            count += InTurns(context, blocks[count..], isUrgent: false);
        }

        return count;
    }

    private static int InTurns(in PickContext context, Span<BlockRef> blocks, bool isUrgent)
    {
        var count = 0;
        while (count < blocks.Length)
        {
            var before = count;
            foreach (var reader in context.Readers)
            {
                var turn = blocks.Slice(count, Math.Min(Turn, blocks.Length - count));
                count += For(context, reader, turn, isUrgent);
            }

            if (count == before)
            {
                return count;
            }
        }

        return count;
    }

    private static int For(in PickContext context, ReaderState reader, Span<BlockRef> blocks, bool isUrgent)
    {
        var layout = context.Content.Layout;
        var urgentEnd = reader.UrgentEnd(layout, context.ReaderLimits);
        if (isUrgent)
        {
            // Who has no rate yet shows what it can with what is not urgent, unless nobody has one.
            return context.Peer.Down.Fast >= reader.QuickRate ? Range(context, reader.Ready, urgentEnd, blocks) : 0;
        }

        return Range(context, urgentEnd, reader.AheadEnd(layout, context.ReaderLimits), blocks);
    }

    /// <summary>Free blocks of the pieces in a range; in the first piece those from the range's beginning on come first.</summary>
    private static int Range(in PickContext context, long from, long to, Span<BlockRef> blocks)
    {
        var content = context.Content;
        var layout = content.Layout;
        var count = 0;
        for (var at = from; at < to && count < blocks.Length; )
        {
            var piece = layout.PieceAt(at);
            var offset = layout.OffsetOf(piece);
            var first = (int)((at - offset) / PieceLayout.BlockSize);
            at = offset + layout.PieceLength;
            if (content.Have[piece] || !context.MayTake(piece.Value))
            {
                continue;
            }

            if (!content.Partials.TryGetValue(piece.Value, out var partial))
            {
                if (!content.Startable[piece])
                {
                    continue;
                }

                partial = content.Begin(piece);
            }

            if (partial is { Level: > 0, Free: > 0 })
            {
                count += Picker.TakeFrom(context, partial, first, blocks[count..]);
            }
        }

        return count;
    }
}
