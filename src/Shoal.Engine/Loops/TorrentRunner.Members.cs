using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Engine;

// What is different where the torrent is not for everybody. If it is for members only nobody else hears of it, neither
// trackers, nor the DHT, nor the local network, nor the servers of web seeds.
internal sealed partial class TorrentRunner
{
    private readonly ILinkSecurity? _security;

    public ILinkSecurity? Security => _security;

    private int DhtPort => _security is null ? _services.DhtPortOf(Metainfo) : 0;

    private SourceScope Scope =>
        _security switch
        {
            null => SourceScope.Everybody,
            SslTorrentSecurity => SourceScope.Trackers,
            _ => SourceScope.Nobody,
        };

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

    private ILinkSecurity? CreateSecurity(Metainfo? metainfo) =>
        _options.Membership is { } membership ? _services.Secure.Of(membership)
        : metainfo is { SslCertificate.IsEmpty: false }
            ? new SslTorrentSecurity(metainfo, _options.SslIdentity, this, _services.Time)
        : null;

    private void StartAnnouncing(TorrentStatus status)
    {
        _sources.Start(Trackers, InfoHashes.OnTheWire, Metainfo, status);
        // It may need ticks from now on.
        Stir();
    }

    /// <summary>Why a link was not enough to take part; null: it was.</summary>
    private string? WhyNotByLink(Metainfo metainfo) =>
        metainfo.SslCertificate.IsEmpty || _options.Membership is not null
            ? null
            : "only who has a certificate for this torrent can take part in it, and its .torrent file is needed";

    private void StartWebSeeds(Metainfo metainfo)
    {
        if (Scope != SourceScope.Nobody && metainfo.WebSeeds.Count > 0 && _webSeeds is null)
        {
            _webSeeds = new TorrentWebSeeds(
                _services,
                this,
                _loop,
                WebSeedFailed,
                exception => Tell(new EngineEvent.EngineFaulted(exception))
            );
            _webSeeds.Start(metainfo);
        }
    }
}
