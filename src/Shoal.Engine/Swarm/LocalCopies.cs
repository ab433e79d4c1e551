using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Has the disk copy what <see cref="LocalContent"/> found instead of asking peers for it. A copy proves itself as
/// anything fetched does: by its hash; <see cref="Verification"/> judges it.
/// </summary>
internal sealed class LocalCopies(SwarmState state, RequestLedger ledger)
{
    private readonly HashSet<int> _copying = [];

    public bool IsCopying => _copying.Count > 0;

    /// <summary>Has the next pieces copied.</summary>
    public void Proceed()
    {
        if (!state.CanFetch || state.Content is not { Local: { Copyable.IsEmpty: false } local } content)
        {
            return;
        }

        for (
            var piece = BitScan.FirstCommon(local.Copyable, local.Copyable, 0);
            piece >= 0 && _copying.Count < state.Limits.MaxCopying;
            piece = BitScan.FirstCommon(local.Copyable, local.Copyable, piece + 1)
        )
        {
            if (local.CanCopy(piece, out var twin, out var source) && _copying.Add(piece))
            {
                state.Disk(
                    new DiskRequest(
                        DiskRequestKind.CopyPiece,
                        content.Layout.Piece(piece),
                        Begin: Math.Max(0, twin),
                        Source: source
                    )
                );
            }
        }
    }

    /// <summary>Who has a piece that was begun may have left: then the same bytes may be fetched as another piece.</summary>
    public void OnSecond()
    {
        foreach (var partial in state.Content?.PartialOrder ?? [])
        {
            state.Content!.PlaceWithTwins(partial.Piece.Value);
        }
    }

    /// <summary>A piece is proven: of those with the same bytes nothing more is fetched, not even what was begun.</summary>
    public void OnProven(ContentState content, PieceIndex piece)
    {
        foreach (var twin in content.Local.TwinsOf(piece.Value))
        {
            if (
                content.Partials.TryGetValue(twin, out var partial)
                && !partial.IsWhole
                && content.Local.CanCopy(twin, out _, out _)
            )
            {
                ledger.CancelAll(partial);
                content.Drop(partial);
            }
        }
    }

    /// <summary>Whether the result is that of a copy. It is not made twice.</summary>
    public bool OnHashed(ContentState content, PieceHashResult result)
    {
        if (!_copying.Remove(result.Piece.Value))
        {
            return false;
        }

        content.Local.SetTried(result.Piece);
        return true;
    }

    /// <summary>All is checked again: what is under way counts no more, what failed may be tried again.</summary>
    public void Forget()
    {
        _copying.Clear();
        state.Content?.Local.Forget();
    }
}
