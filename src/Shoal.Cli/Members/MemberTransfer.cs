using Shoal.Engine;
using Shoal.Hub;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>Moves what is published among members: like get and seed, but known to members only.</summary>
internal sealed class MemberTransfer(CliHost host, LocalMembership local, OutboundNetwork network)
{
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
    public Task<int> RunAsync(
        EngineOptions options,
        MemberTorrent what,
        TorrentOptions torrent,
        LeaveRules rules,
        ITransferView view,
        CancellationToken cancel
    ) =>
        RunningEngine.UseAsync(
            host,
            Quiet(options),
            view,
            news => FollowAsync(news, what, torrent, rules, cancel),
            cancel
        );

    private async Task<int> FollowAsync(
        EngineNews news,
        MemberTorrent what,
        TorrentOptions options,
        LeaveRules rules,
        CancellationToken cancel
    )
    {
        var membership = HubFollower.MembershipOf(local);
        options = options with { Membership = membership };
        var added = what.Metainfo is { } metainfo
            ? await news.Engine.AddAsync(metainfo, options, cancel)
            : await news.Engine.AddAsync(new MagnetLink { InfoHashes = what.InfoHashes }, options, cancel);
        await using var follower = new HubFollower(local, membership, network, news, host.Time);
        follower.Start(added);
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
}
