using System.Collections.Concurrent;
using System.Net;
using System.Runtime.InteropServices;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Runs one <see cref="Swarm"/>: takes events in, carries effects out, one thread at a time. A strand, not a
/// thread: it runs on whichever thread posted to it while it was idle.
/// </summary>
internal sealed partial class SwarmLoop : ISwarmMailbox
{
    /// <summary>
    /// Events waiting above which links wait before they post more. A link posts one receive at a time, at
    /// most some hundred events, so this is about one burst of each of 30 busy links.
    /// </summary>
    private const int MailboxCapacity = 4096;

    /// <summary>
    /// Batches that a poster's thread handles before the rest moves to the pool: a poster (a disk worker, a
    /// link's read loop) has work of its own to go back to.
    /// </summary>
    private const int BatchesPerPoster = 4;

    private static readonly TimeSpan StatusInterval = TimeSpan.FromMilliseconds(250);

    private readonly ISwarmOwner _owner;
    private readonly TimeProvider _time;
    private readonly long _epoch;
    private readonly EventMailbox<SwarmEvent> _mailbox = new(MailboxCapacity);
    private ITorrentDisk? _disk;
    private TimeSpan _statusDue;
    private bool _faulted;
    private volatile bool _isQuiet;

    /// <param name="epoch">Timestamp of <paramref name="time"/> that the swarm's clock counts from.</param>
    public SwarmLoop(Swarm swarm, ISwarmOwner owner, TimeProvider time, long epoch)
    {
        _swarm = swarm;
        _owner = owner;
        _time = time;
        _epoch = epoch;
        _out = new Outgoing();
        Status = swarm.CreateStatus(Now);
    }

    /// <summary>The latest published snapshot; safe from any thread.</summary>
    public TorrentStatus Status { get; private set; }

    /// <summary>See <see cref="Swarm.IsQuiet"/>; as of the last batch.</summary>
    public bool IsQuiet => _isQuiet;

    private TimeSpan Now => _time.GetElapsedTime(_epoch);

    /// <summary>Makes a link reachable for effects; call before its PeerJoined is posted.</summary>
    public void Attach(PeerHandle peer, ISwarmLink link) => Links[peer] = link;

    /// <summary>Gives the swarm its disk; call before the event that tells it of metadata is posted.</summary>
    public void Attach(ITorrentDisk disk) => Volatile.Write(ref _disk, disk);

    public async ValueTask PostAsync(ReadOnlyMemory<SwarmEvent> batch, CancellationToken cancellation)
    {
        while (true)
        {
            var room = _mailbox.TryWriteOrWait(batch.Span, out var accepted, out var mustRun);
            _owner.Stirred();
            if (room is null)
            {
                if (!accepted)
                {
                    ReleaseBuffers(batch.Span);
                }
                else if (mustRun)
                {
                    Run();
                }

                return;
            }

            try
            {
                await room.WaitAsync(cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                ReleaseBuffers(batch.Span);
                throw;
            }
        }
    }

    /// <summary>
    /// Posts without waiting: for answers to what the swarm itself asked for (disk, connector, timer), which
    /// are bounded by the asking.
    /// </summary>
    public void Post(ReadOnlySpan<SwarmEvent> batch)
    {
        var isAccepted = _mailbox.Write(batch, out var mustRun);
        _owner.Stirred();
        if (!isAccepted)
        {
            ReleaseBuffers(batch);
        }
        else if (mustRun)
        {
            Run();
        }
    }

    public void Post(in SwarmEvent single) => Post(new ReadOnlySpan<SwarmEvent>(in single));

    /// <summary>Time has passed: no news for <see cref="ISwarmOwner.Stirred"/>.</summary>
    public void Tick()
    {
        if (_isAsleep)
        {
            return;
        }

        var tick = new SwarmEvent(SwarmEventKind.Tick);
        if (_mailbox.Write(new ReadOnlySpan<SwarmEvent>(in tick), out var mustRun) && mustRun)
        {
            Run();
        }
    }

    /// <summary>Takes no more events. Those accepted before are still handled.</summary>
    public void Close() => _mailbox.Close();

    private void Run()
    {
        for (var i = 0; i < BatchesPerPoster; i++)
        {
            var batch = _mailbox.Take();
            if (batch is null)
            {
                return;
            }

            Handle(CollectionsMarshal.AsSpan(batch));
        }

        ThreadPool.UnsafeQueueUserWorkItem(static loop => loop.Run(), this, preferLocal: false);
    }

    private void Handle(ReadOnlySpan<SwarmEvent> batch)
    {
        var now = Now;
        var next = 0;
        try
        {
            while (next < batch.Length && !_faulted)
            {
                ref readonly var e = ref batch[next];
                // From here on the swarm owns what the event carries.
                next++;
                if (_memory?.TryTake(in e) != true)
                {
                    Awake(now).Handle(in e, now, _out!.Effects);
                }

                if (e.Kind == SwarmEventKind.PeerLeft)
                {
                    Detach(e.Peer);
                }
            }

            CarryOut(now);
            FallAsleep(now);
        }
        catch (Exception exception)
        {
            Fault(exception);
        }

        if (_faulted)
        {
            ReleaseBuffers(batch[next..]);
        }
        else if (now >= _statusDue && _swarm is not null)
        {
            Publish(now);
        }
    }

    private void CarryOut(TimeSpan now)
    {
        if (_out is not { } outgoing)
        {
            return;
        }

        var effects = outgoing.Effects.Span;
        for (var i = 0; i < effects.Length; i++)
        {
            ref readonly var effect = ref effects[i];
            switch (effect.Kind)
            {
                case SwarmEffectKind.Send:
                case SwarmEffectKind.Unsend:
                case SwarmEffectKind.HoldReading:
                case SwarmEffectKind.ResumeReading:
                case SwarmEffectKind.Disconnect:
                    outgoing.Stage(in effect);
                    break;
                case SwarmEffectKind.Disk:
                    outgoing.DiskRequests.Add(effect.Disk);
                    break;
                case SwarmEffectKind.Connect:
                    _owner.Connect((IPEndPoint)effect.Payload!, (DialHints)effect.Piece);
                    break;
                case SwarmEffectKind.Ban:
                    _owner.Ban((IPAddress)effect.Payload!);
                    break;
                case SwarmEffectKind.BanWebSeed:
                    _owner.BanWebSeed((WebSeedUrl)effect.Payload!);
                    break;
                case SwarmEffectKind.MetadataFetched:
                    _owner.MetadataFetched((byte[])effect.Payload!);
                    break;
                case SwarmEffectKind.PieceLayersFetched:
                    _owner.PieceLayersFetched((byte[])effect.Payload!);
                    break;
                case SwarmEffectKind.PieceCompleted:
                    _owner.PieceCompleted((int)effect.Piece);
                    break;
                case SwarmEffectKind.Completed:
                    Publish(now);
                    _owner.Completed();
                    break;
                case SwarmEffectKind.AddressSeen:
                    _owner.AddressSeen((AddressSighting)effect.Payload!);
                    break;
                case SwarmEffectKind.NodeFound:
                    _owner.NodeFound((IPEndPoint)effect.Payload!);
                    break;
                case SwarmEffectKind.TrackersHeard:
                    _owner.TrackersHeard((IReadOnlyList<HearsayTracker>)effect.Payload!);
                    break;
                case SwarmEffectKind.RevocationsHeard:
                    _owner.RevocationsHeard((RevocationList)effect.Payload!);
                    break;
                case SwarmEffectKind.MembershipEnded:
                    _owner.MembershipEnded();
                    break;
                case SwarmEffectKind.PeerSeen:
                    _owner.PeerChanged((PeerStatus)effect.Payload!, left: null);
                    break;
                case SwarmEffectKind.PeerGone:
                    _owner.PeerChanged((PeerStatus)effect.Payload!, (DisconnectReason)effect.Piece);
                    break;
                case SwarmEffectKind.ReaderAdvanced:
                    _owner.ReaderAdvanced((ReaderProgress)effect.Payload!);
                    break;
                case SwarmEffectKind.NeedPeers:
                    _owner.NeedPeers();
                    break;
                case SwarmEffectKind.StateChanged:
                    Publish(now);
                    _owner.StateChanged(Status);
                    break;
                default:
                    throw new InvalidOperationException($"unknown effect {effect.Kind}");
            }
        }

        outgoing.Effects.Clear();
        SubmitDiskRequests(outgoing.DiskRequests);
        FlushLinks(outgoing);
    }

    private void SubmitDiskRequests(List<DiskRequest> requests)
    {
        if (requests.Count > 0)
        {
            var disk = Volatile.Read(ref _disk) ?? throw new InvalidOperationException("disk request before metadata");
            disk.Submit(CollectionsMarshal.AsSpan(requests));
            requests.Clear();
        }
    }

    private void FlushLinks(Outgoing outgoing)
    {
        foreach (var peer in outgoing.Touched)
        {
            outgoing.Staged.Remove(peer, out var list);
            if (_links?.TryGetValue(peer, out var link) == true)
            {
                link.Apply(CollectionsMarshal.AsSpan(list));
            }
            else
            {
                ReleaseBuffers(list!);
            }

            list!.Clear();
            outgoing.SpareLists.Push(list);
        }

        outgoing.Touched.Clear();
    }

    private void Detach(PeerHandle peer) => _links?.TryRemove(peer, out _);

    private void Publish(TimeSpan now)
    {
        Status = _swarm!.CreateStatus(now);
        _statusDue = now + StatusInterval;
    }

    /// <summary>A bug faults this torrent only, loudly: its connections end, the other torrents go on.</summary>
    private void Fault(Exception exception)
    {
        _faulted = true;
        foreach (var effect in _out is { } outgoing ? outgoing.Effects.Span : [])
        {
            (effect.Payload as BlockBuffer)?.Release();
            effect.Disk.Buffer?.Release();
        }

        _out = null;
        Status = Status with
        {
            State = TorrentState.Failed,
            Error = $"internal error: {exception.Message}",
            Peers = [],
        };
        foreach (var (peer, link) in Links)
        {
            var bye = new SwarmEffect(SwarmEffectKind.Disconnect, peer, Piece: (uint)DisconnectReason.InternalError);
            link.Apply(new ReadOnlySpan<SwarmEffect>(in bye));
        }

        _owner.Faulted(exception);
    }

    private static void ReleaseBuffers(ReadOnlySpan<SwarmEvent> events)
    {
        foreach (ref readonly var e in events)
        {
            (e.Payload as BlockBuffer)?.Release();
        }
    }

    private static void ReleaseBuffers(List<SwarmEffect> effects)
    {
        foreach (var effect in effects)
        {
            (effect.Payload as BlockBuffer)?.Release();
        }
    }
}
