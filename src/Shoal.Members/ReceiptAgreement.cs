using Shoal.Hub;

namespace Shoal.Members;

/// <summary>
/// A member agrees to what its hub keeps of receipts at that moment. Should the hub keep more one day, it gets none until the member has
/// agreed again.
/// </summary>
public static class ReceiptAgreement
{
    /// <summary>How long a hub may take to say what it keeps.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    /// <summary>Agrees; while the hub is away to the least.</summary>
    /// <returns>What the hub keeps, as far as it is known.</returns>
    /// <exception cref="LocalMembershipException">It cannot be written.</exception>
    public static async Task<ReceiptRetention> AgreeAsync(ReceiptBook book, HubClient hub, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(book);
        var own = await AskAsync(hub, cancel).ConfigureAwait(false);
        var kept = own is not null && RetentionNames.TryParse(own.Kept, out var told) ? told : ReceiptRetention.Sums;
        book.Agree(kept == ReceiptRetention.Signed ? kept : ReceiptRetention.Sums);
        return kept;
    }

    /// <summary>From now on nothing is told, and the hub forgets what it has of us.</summary>
    /// <exception cref="HubException">The hub did not hear it. Nothing is told any more all the same.</exception>
    /// <exception cref="LocalMembershipException">It cannot be written.</exception>
    public static Task WithdrawAsync(ReceiptBook book, HubClient hub, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(book);
        ArgumentNullException.ThrowIfNull(hub);
        // First here: whatever the hub says.
        book.Withdraw();
        return hub.ForgetReceiptsAsync(cancel);
    }

    /// <summary>What the hub keeps, and what it has of us; null: it is away.</summary>
    public static async Task<OwnReceipts?> AskAsync(HubClient hub, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(hub);
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        soon.CancelAfter(Soon);
        try
        {
            return await hub.ReadOwnReceiptsAsync(soon.Token).ConfigureAwait(false);
        }
        catch (HubException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return null;
        }
    }
}
