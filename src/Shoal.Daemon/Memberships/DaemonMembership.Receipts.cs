using Shoal.Api;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;

namespace Shoal.Daemon;

// What the member agreed to tell of what it receives, and what was told.
internal sealed partial class DaemonMembership
{
    /// <summary>What was told; as the files of the membership say it, so that commands show the same.</summary>
    /// <exception cref="ApiException">The membership is not active.</exception>
    public Task<ReceiptReport> ReadReceiptsAsync(CancellationToken cancel) =>
        AskAsync((hub, local) => ReportAsync(hub, local, cancel));

    /// <summary>Agrees to what the hub keeps now, or takes it back.</summary>
    /// <exception cref="ApiException">The membership is not active, or the hub did not hear that it shall forget.</exception>
    public Task<ReceiptReport> GiveReceiptsAsync(bool gives, CancellationToken cancel) =>
        AskAsync(
            async (hub, local) =>
            {
                var book = new ReceiptBook(local.Folder);
                if (gives)
                {
                    await ReceiptAgreement.AgreeAsync(book, hub, cancel).ConfigureAwait(false);
                    Custody?.TellSoon();
                }
                else
                {
                    await ReceiptAgreement.WithdrawAsync(book, hub, cancel).ConfigureAwait(false);
                }

                return await ReportAsync(hub, local, cancel).ConfigureAwait(false);
            }
        );

    /// <summary>What members told of something that we published; the hub's word.</summary>
    /// <exception cref="ApiException">The membership is not active, or it is not ours.</exception>
    public Task<CustodySums> ReadCustodyAsync(EntryId entry, long version, CancellationToken cancel) =>
        AskAsync(
            async (hub, _) =>
            {
                var sums = await hub.ReadCustodyAsync(entry, version, cancel).ConfigureAwait(false);
                return new CustodySums(
                    sums.Kept,
                    sums.Receivers,
                    sums.FromOrigin,
                    sums.FromMembers,
                    sums.Copies,
                    sums.OnlineComplete,
                    sums.OnlineIncomplete
                );
            }
        );

    private CustodyFollower? Custody
    {
        get
        {
            lock (_lock)
            {
                return _custody;
            }
        }
    }

    private static async Task<ReceiptReport> ReportAsync(HubClient hub, LocalMembership local, CancellationToken cancel)
    {
        var own = await ReceiptAgreement.AskAsync(hub, cancel).ConfigureAwait(false);
        var book = new ReceiptBook(local.Folder);
        return new ReceiptReport
        {
            Agreed = book.ReadAgreed() is { } agreed ? RetentionNames.Of(agreed) : null,
            HubKeeps = own?.Kept,
            Told = [.. book.ReadAll(new MembershipVerifier(local.Authority)).Select(one => ItemOf(one.Fields))],
            Answered = [.. book.ReadAnswers().Select(ItemOf)],
            AtHub = [.. (own?.Receipts ?? []).Select(ItemOf)],
        };
    }

    private static ToldReceipt ItemOf(ReceiptFields fields) =>
        new(
            fields.Content.Entry.ToString(),
            fields.Content.Version,
            fields.Since.ToUnixTimeSeconds(),
            fields.Until.ToUnixTimeSeconds(),
            fields.IsComplete,
            fields.Total,
            [.. fields.Senders.Select(share => new ReceiptSender(share.Sender.ToString(), share.Bytes))]
        );

    private static AnsweredItem ItemOf(AnsweredChallenge one) =>
        new(
            one.Entry.ToString(),
            one.Version,
            one.At.ToUnixTimeSeconds(),
            one.Challenger.ToString(),
            one.Blocks,
            one.HadThem
        );

    private static KeptReceipt ItemOf(OwnReceipt one) =>
        new(one.Entry, one.Version, one.FromOrigin, one.FromMembers, one.Complete, one.Signed);
}
