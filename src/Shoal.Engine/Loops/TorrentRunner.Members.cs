using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Engine;

// What is different where the torrent is for members only: nobody else hears of it, neither trackers, nor the DHT, nor the
// local network, nor the servers of web seeds.
internal sealed partial class TorrentRunner
{
    private readonly MemberSecurity? _security;

    public ILinkSecurity? Security => _security;

    private int DhtPort => _security is null ? _services.DhtPortOf(Metainfo) : 0;

    private SwarmMembers? Members =>
        _options.Membership is { } ours ? new SwarmMembers(ours.Authority, ours.Grant.Member, ours.Revocations) : null;

    void ISwarmOwner.RevocationsHeard(RevocationList list) => _options.Membership?.TryRevoke(list, out _);

    void ISwarmOwner.MembershipEnded() => Tell(new EngineEvent.MembershipEnded(Torrent));

    private void WatchMembership()
    {
        if (_options.Membership is { } membership)
        {
            membership.RevocationsChanged += TakeRevocations;
            if (membership.Revocations is { } list)
            {
                // It may have become another one meanwhile.
                TakeRevocations(list);
            }
        }
    }

    private void UnwatchMembership()
    {
        if (_options.Membership is { } membership)
        {
            membership.RevocationsChanged -= TakeRevocations;
        }
    }

    private void TakeRevocations(RevocationList list) => Command(new SwarmCommand.SetRevocations(list));

    private void StartAnnouncing(TorrentStatus status)
    {
        if (_security is not null)
        {
            return;
        }

        _sources.Start(Trackers, InfoHashes.OnTheWire, Metainfo, status);
    }

    private void TellSources(Metainfo metainfo)
    {
        if (_security is null)
        {
            _sources.TakeMetadata(metainfo);
        }
    }

    private void StartWebSeeds(Metainfo metainfo)
    {
        if (_security is null)
        {
            _webSeeds.Start(metainfo);
        }
    }
}
