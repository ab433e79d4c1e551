using Shoal.Engine;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>Moves what is published among members: like get and seed, but known to members only.</summary>
internal sealed class MemberTransfer(CliHost host, LocalMembership local, OutboundNetwork network)
{
    /// <summary>How long the hub is told that we leave.</summary>
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(2);

    /// <summary>How long the hub is told what we received last.</summary>
    private static readonly TimeSpan LastWord = TimeSpan.FromSeconds(3);

    /// <summary>Members find each other by the hub and by each other; nothing else may hear of them.</summary>
    public static EngineOptions Quiet(EngineOptions options) =>
        options with
        {
            UseDht = false,
            UseLsd = false,
            UseTrackers = false,
            UseWebSeeds = false,
        };

    /// <summary>Runs until the rules say so.</summary>
    /// <param name="options">Of the engine; made quiet here.</param>
    /// <param name="what">Is published.</param>
    /// <param name="torrent">Where it goes or lies; the membership is added here.</param>
    /// <param name="rules">When to leave.</param>
    /// <param name="view">Shows it.</param>
    /// <param name="cancel">Ends it cleanly.</param>
    /// <param name="entry">What receipts and challenges are about; null: there are none.</param>
    public Task<int> RunAsync(
        EngineOptions options,
        MemberTorrent what,
        TorrentOptions torrent,
        LeaveRules rules,
        ITransferView view,
        CancellationToken cancel,
        KnownEntry? entry = null
    ) =>
        RunningEngine.UseAsync(
            host,
            Quiet(options),
            view,
            news => FollowAsync(news, what, torrent, rules, entry, cancel),
            cancel
        );

    private async Task<int> FollowAsync(
        EngineNews news,
        MemberTorrent what,
        TorrentOptions options,
        LeaveRules rules,
        KnownEntry? entry,
        CancellationToken cancel
    )
    {
        var membership = HubFollower.MembershipOf(local);
        options = options with { Membership = membership };
        var added = what.Metainfo is { } metainfo
            ? await news.Engine.AddAsync(metainfo, options, cancel)
            : await news.Engine.AddAsync(new MagnetLink { InfoHashes = what.InfoHashes }, options, cancel);
        await using var follower = new HubFollower(local, membership, news.Engine, network, news, Goodbye, host.Time);
        follower.Start();
        follower.Add(added);
        await using var custody = StartCustody(entry, added, follower);
        var loop = new TransferLoop(news, host.Time);
        try
        {
            var reason = await loop.RunAsync([added], rules, cancel);
            if (reason == LeaveReason.Timeout)
            {
                throw new UserErrorException(
                    "timeout",
                    $"nothing arrived for {Duration.Format(rules.Timeout!.Value)}; what is there is kept, the same command goes on from it"
                );
            }

            return ExitCode.Done;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            news.View.Show(new TransferEvent.Stopped("interrupted", added.Status, loop.Elapsed));
            return ExitCode.Interrupted;
        }
    }

    /// <summary>Receipts, if the member agrees to give any, now or while it runs; null: there is nothing that they could be about.</summary>
    private CustodyFollower? StartCustody(KnownEntry? entry, Torrent torrent, HubFollower hub) =>
        HubCalls.Do(() =>
        {
            if (entry is null)
            {
                return null;
            }

            if (entry.Fields.AsksForReceipts && new ReceiptBook(local.Folder).ReadAgreed() is null)
            {
                hub.Warn(
                    "receipts-asked",
                    "the publisher would like receipts of what you receive; 'shoal member receipts --help' says what that "
                        + "means, and nothing is told unless you agree"
                );
            }

            var custody = new CustodyFollower(hub, LastWord, host.Time);
            custody.Add(torrent, entry);
            custody.Start();
            return custody;
        });
}
