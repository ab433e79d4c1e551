using Shoal.Hub;

namespace Shoal.Cli;

/// <summary>
/// A member agrees to what its hub keeps of receipts at that moment. Should the hub keep more one day, it gets none until the member has
/// agreed again.
/// </summary>
internal static class ReceiptConsent
{
    /// <summary>How long a hub may take to say what it keeps.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    /// <summary>Agrees, and says to what; while the hub is away to the least.</summary>
    /// <exception cref="LocalMembershipException">It cannot be written.</exception>
    public static async Task AgreeAsync(
        CliHost host,
        LocalMembership membership,
        HubClient hub,
        CancellationToken cancel
    )
    {
        var own = await AskAsync(hub, cancel);
        var kept = own is not null && RetentionNames.TryParse(own.Kept, out var told) ? told : ReceiptRetention.Sums;
        new ReceiptBook(membership.Folder).Agree(kept == ReceiptRetention.Signed ? kept : ReceiptRetention.Sums);
        host.Error.WriteLine(
            kept switch
            {
                ReceiptRetention.None => "You agreed to give receipts. This hub takes none at the moment.",
                ReceiptRetention.Sums =>
                    "You agreed to give receipts. The hub keeps sums without names; 'shoal member receipts' shows what was told.",
                _ =>
                    "You agreed to give receipts. The hub keeps them as you sign them, with your member id, and the publisher "
                        + "reads them; 'shoal member receipts' shows what was told.",
            }
        );
    }

    /// <summary>What the hub keeps, and what it has of us; null: it is away.</summary>
    public static async Task<OwnReceipts?> AskAsync(HubClient hub, CancellationToken cancel)
    {
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        soon.CancelAfter(Soon);
        try
        {
            return await hub.ReadOwnReceiptsAsync(soon.Token);
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
