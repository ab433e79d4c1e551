using System.Collections.Concurrent;
using Shoal.Engine;
using Shoal.Hub;
using Shoal.Members;

namespace Shoal.Cli;

/// <summary>Tells the view what the engine has to say, in order, from its start to its last word. One caller at a time.</summary>
internal sealed class EngineNews(TorrentEngine engine, ITransferView view) : IHubNews
{
    private readonly Dictionary<(string, Torrent, string), string> _troubles = [];
    private readonly ConcurrentQueue<TransferEvent> _posted = new();
    private UserErrorException? _end;

    public TorrentEngine Engine => engine;

    public ITransferView View => view;

    /// <summary>The disk failed while the engine stopped: what was said to be complete may not be durable.</summary>
    public string? FailedAtLast { get; private set; }

    /// <summary>Something to show that the engine does not know of; shown when the next news are told. From any thread.</summary>
    public void Post(TransferEvent happening) => _posted.Enqueue(happening);

    /// <summary>The command cannot go on, and ends when the next news are told. The first reason counts. From any thread.</summary>
    public void End(UserErrorException why) => Interlocked.CompareExchange(ref _end, why, null);

    void IHubNews.Warn(string code, string message) => Post(new TransferEvent.Warning(code, message));

    void IHubNews.Answered()
    {
        // Nothing to show: it is what everybody expects.
    }

    void IHubNews.Revoked() => End(MembershipEnd.Revoked());

    void IHubNews.Expired(HubAddress hub, DateTimeOffset until) => End(MembershipEnd.Expired(hub, until));

    /// <summary>Tells what there is.</summary>
    /// <exception cref="UserErrorException">The command cannot go on: a bug, or a disk that will not recover.</exception>
    public void Tell()
    {
        TellPosted();
        if (Volatile.Read(ref _end) is { } why)
        {
            throw why;
        }

        while (engine.Events.TryRead(out var happening))
        {
            switch (happening)
            {
                case EngineEvent.Failed(var torrent, var message) when IsHopeless(torrent.Status):
                    throw new UserErrorException("disk-failed", message);
                case EngineEvent.Faulted(_, var fault):
                    throw Bug(fault);
                case EngineEvent.MembershipEnded:
                    throw MembershipEnd.Revoked();
                default:
                    Tell(happening);
                    break;
            }
        }
    }

    /// <summary>Tells the rest, once the engine has stopped: nothing can go wrong any more but what did.</summary>
    public void TellLast()
    {
        TellPosted();
        while (engine.Events.TryRead(out var happening))
        {
            switch (happening)
            {
                case EngineEvent.Faulted(_, var fault):
                    Tell(new EngineEvent.EngineFaulted(fault));
                    break;
                default:
                    FailedAtLast = happening switch
                    {
                        EngineEvent.Failed failed => failed.Message,
                        EngineEvent.Recovered => null,
                        _ => FailedAtLast,
                    };
                    Tell(happening);
                    break;
            }
        }
    }

    private void TellPosted()
    {
        while (_posted.TryDequeue(out var happening))
        {
            view.Show(happening);
        }
    }

    private void Tell(EngineEvent happening)
    {
        switch (happening)
        {
            case EngineEvent.Failed(_, var message):
                view.Show(new TransferEvent.Warning("disk-failed", message));
                break;
            case EngineEvent.Recovered:
                view.Show(new TransferEvent.Warning("disk-recovered", "the disk works again, going on"));
                break;
            case EngineEvent.EngineFaulted(var fault):
                view.Show(new TransferEvent.Warning("internal-error", Bug(fault).Message));
                break;
            case EngineEvent.PeerSeen(_, var peer):
                view.Show(new TransferEvent.PeerConnected(peer));
                break;
            case EngineEvent.PeerGone(_, var peer, var reason):
                view.Show(new TransferEvent.PeerGone(peer, reason));
                break;
            case EngineEvent.PortMapped(var protocol, var port, var external, var address, var method):
                view.Show(new TransferEvent.PortMapping(protocol, port, external, address, method));
                break;
            case EngineEvent.PortUnmapped(var protocol, var port):
                view.Show(new TransferEvent.PortMapping(protocol, port, null, null, null));
                break;
            case EngineEvent.ExternalAddressKnown(var address):
                view.Show(new TransferEvent.AddressKnown(address));
                break;
            case EngineEvent.IpFilterRead(var ranges):
                view.Show(new TransferEvent.FilterRead(ranges));
                break;
            case EngineEvent.Warning(var code, var message):
                view.Show(new TransferEvent.Warning(code, message));
                break;
            case EngineEvent.TrackerFailed(var torrent, var url, var message):
                WarnOnce("tracker-failed", torrent, url, message);
                break;
            case EngineEvent.WebSeedFailed(var torrent, var url, var message):
                WarnOnce("web-seed-failed", torrent, url, message);
                break;
        }
    }

    /// <summary>A server that stays silent is told about once, not each time it is asked.</summary>
    private void WarnOnce(string code, Torrent torrent, string url, string message)
    {
        if (_troubles.GetValueOrDefault((code, torrent, url)) != message)
        {
            _troubles[(code, torrent, url)] = message;
            view.Show(new TransferEvent.Warning(code, $"{url}: {message}"));
        }
    }

    /// <summary>
    /// A full or failing disk may recover, and what is here can still be seeded; but what may not be written now may not
    /// be written later either.
    /// </summary>
    private static bool IsHopeless(TorrentStatus status) =>
        status is { IsComplete: false, FailureKind: DiskFailureKind.Denied or DiskFailureKind.ReadOnly };

    private static UserErrorException Bug(Exception fault) =>
        new(
            "internal-error",
            $"this is a bug in Shoal, please report it: {fault.GetType().Name}: {fault.Message} "
                + $"({fault.StackTrace?.Split('\n').FirstOrDefault()?.Trim()})"
        );
}
