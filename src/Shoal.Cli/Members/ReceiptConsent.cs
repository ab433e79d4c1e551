using Shoal.Hub;
using Shoal.Members;

namespace Shoal.Cli;

/// <summary>Agrees to give receipts, and says to what.</summary>
internal static class ReceiptConsent
{
    /// <exception cref="LocalMembershipException">It cannot be written.</exception>
    public static async Task AgreeAsync(
        CliHost host,
        LocalMembership membership,
        HubClient hub,
        CancellationToken cancel
    )
    {
        var kept = await ReceiptAgreement.AgreeAsync(new ReceiptBook(membership.Folder), hub, cancel);
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
}
