using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>
/// One peer of a crowd: a real swarm, with an uplink that its connections share in turn, a downlink, and a disk that
/// only counts. Touches nothing of other nodes: what it sends them goes through <see cref="CrowdWorker"/>.
/// </summary>
internal sealed partial class CrowdNode
{
    private readonly CrowdWorld _world;
    private readonly CrowdStore _store;
    private CrowdAgenda _agenda = new();
    private readonly Queue<SwarmEvent> _mailbox = new();
    private readonly int[] _written;
    private readonly long _up;
    private readonly long _down;
    private readonly bool _isFreeRider;
    private readonly bool _isLeaving;
    private CrowdWorker _worker = null!;
    private bool _isHandling;
    private long _now;
    private long _downFreeAt;
    private int _announces;

    public CrowdNode(CrowdWorld world, CrowdStore store, int index, long up, long down, in Fate fate)
    {
        _world = world;
        _store = store;
        Index = index;
        EndPoint = new IPEndPoint(CrowdWorld.AddressOf(index), 6881);
        _up = up;
        _down = down;
        _isFreeRider = fate.IsFreeRider;
        _isLeaving = fate.IsLeaving;
        Distance = fate.Distance;
        JoinsAt = fate.JoinsAt;
        _written = new int[world.Metainfo.Layout.PieceCount];
        _agenda.Add(JoinsAt, CrowdEventKind.Start);
        if (fate.DiesAt > 0)
        {
            _agenda.Add(fate.DiesAt, CrowdEventKind.Die);
        }
    }

    /// <summary>What the dice of the world say of a node. Times in ticks; DiesAt 0: it does not.</summary>
    internal readonly record struct Fate(long Distance, long JoinsAt, long DiesAt, bool IsLeaving, bool IsFreeRider);

    public int Index { get; }
    public IPEndPoint EndPoint { get; }
    public Swarm? Swarm { get; private set; }
    public long Distance { get; }
    public long JoinsAt { get; }
    public bool IsOrigin => Index == 0;
    public bool IsFreeRider => _isFreeRider;
    public bool IsDead { get; private set; }

    /// <summary>In ticks; 0: not yet.</summary>
    public long CompletedAt { get; private set; }
    public long EventCount { get; private set; }
    public int PiecesDone { get; private set; }

    /// <summary>Bytes of blocks that left the uplink.</summary>
    public long Sent { get; private set; }

    /// <summary>Bytes of blocks that came, also twice.</summary>
    public long Received { get; private set; }
    public long Wasted => Swarm?.State.Wasted ?? 0;
    public int Peers => Swarm?.State.Peers.Count ?? 0;

    /// <summary>All that happens before <paramref name="end"/>.</summary>
    /// <param name="mail">What others caused here. Nothing of it is before what was done already.</param>
    public void RunUntil(long end, CrowdWorker worker, ReadOnlySpan<CrowdEvent> mail)
    {
        _worker = worker;
        foreach (ref readonly var e in IsDead ? [] : mail)
        {
            _agenda.Add(_store, e);
        }

        while (_agenda.Next < end)
        {
            var place = _agenda.Take(out _now);
            EventCount++;
            if (place <= 0)
            {
                Handle((CrowdEventKind)(-place));
                continue;
            }

            ref var next = ref _store[place];
            if (next.Kind == CrowdEventKind.Arrived)
            {
                OnArrived(place, ref next);
                continue;
            }

            Handle(next);
            _store.Free(place);
        }
    }

    private void Handle(CrowdEventKind kind)
    {
        switch (kind)
        {
            case CrowdEventKind.Start:
                Start();
                break;
            case CrowdEventKind.Tick:
                NoteUplink();
                Post(new SwarmEvent(SwarmEventKind.Tick));
                _agenda.Add(_now + SwarmEvent.TickInterval.Ticks, CrowdEventKind.Tick);
                break;
            case CrowdEventKind.Die:
                Die();
                break;
            case CrowdEventKind.Sent:
                OnSent();
                break;
            case CrowdEventKind.Delivered:
                OnDelivered();
                break;
        }
    }

    private void Handle(in CrowdEvent e)
    {
        switch (e.Kind)
        {
            case CrowdEventKind.Acknowledged:
                _links[e.Link].Window.OnAcknowledged((int)e.Length);
                Wake(e.Link);
                break;
            case CrowdEventKind.Called:
                OnCalled(e);
                break;
            case CrowdEventKind.Answered:
                _links[e.Link].OtherPlace = (int)e.Piece;
                Introduce(e.Link, isOutgoing: true);
                break;
            case CrowdEventKind.Missed:
                Post(
                    new SwarmEvent(
                        SwarmEventKind.ConnectFailed,
                        Piece: (uint)DisconnectReason.ConnectFailed,
                        Payload: _world.Nodes[_links[e.Link].Other].EndPoint
                    )
                );
                break;
            case CrowdEventKind.Closed:
                if (!_links[e.Link].IsClosed)
                {
                    _links[e.Link].Close(_store);
                    Post(
                        new SwarmEvent(
                            SwarmEventKind.PeerLeft,
                            new PeerHandle(e.Link + 1),
                            Payload: DisconnectReason.ClosedByPeer
                        )
                    );
                }

                break;
            case CrowdEventKind.Hashed:
                Post(new SwarmEvent(SwarmEventKind.PieceHashed, Payload: _world.Good[(int)e.Piece]));
                break;
            case CrowdEventKind.Tracked:
                Post(new SwarmEvent(SwarmEventKind.CandidatesFound, Payload: e.Payload));
                break;
        }
    }

    private void Start()
    {
        var options = _world.Options;
        var random = new Random(CrowdWorld.Mix(options.Seed, Index, 1));
        Swarm = new Swarm(
            new SwarmOptions
            {
                Random = random,
                PeerId = PeerId,
                ListenPort = EndPoint.Port,
                ExternalAddresses = [EndPoint.Address],
                SuperSeeding = IsOrigin && options.SuperSeeding,
                Limits = options.Limits,
                CheckInvariants = options.CheckInvariants,
            },
            _world.Metainfo.InfoHashes,
            _world.Metainfo
        );
        var count = _world.Metainfo.Layout.PieceCount;
        var have = new Bitfield(count);
        if (IsOrigin)
        {
            have.SetAll();
        }

        Post(
            new SwarmEvent(
                SwarmEventKind.ResumeLoaded,
                Payload: new ResumeState { Have = have, Check = new Bitfield(count) }
            )
        );
        _agenda.Add(_now + random.Next((int)SwarmEvent.TickInterval.Ticks), CrowdEventKind.Tick);
        Announce();
    }

    private void Die()
    {
        for (var place = 0; place < _linkCount; place++)
        {
            Close(place);
        }

        IsDead = true;
        _agenda.Clear(_store);
        _sending.Clear(_store);
        _arriving.Clear(_store);
        Swarm = null;
    }

    /// <summary>The tracker knows at once who is there, and answers after a while.</summary>
    private void Announce()
    {
        var at = _now + 2 * _world.Options.LeastDelay.Ticks;
        var found = _world.Track(Index, _announces++, _now);
        var batch = new CandidateBatch(found, PeerSource.Tracker);
        _agenda.Add(_store, new CrowdEvent(CrowdEventKind.Tracked, at, Payload: batch));
    }

    /// <summary>Hands an event to the swarm; what it causes at once is done before this returns.</summary>
    private void Post(in SwarmEvent e)
    {
        if (IsDead)
        {
            (e.Payload as BlockBuffer)?.Release();
            return;
        }

        if (_isHandling)
        {
            _mailbox.Enqueue(e);
            return;
        }

        _isHandling = true;
        Hand(e);
        while (_mailbox.TryDequeue(out var next))
        {
            Hand(next);
        }

        _isHandling = false;
        if (_isLeaving && CompletedAt > 0)
        {
            Die();
        }
    }

    private void Hand(in SwarmEvent e)
    {
        var effects = _worker.Effects;
        Swarm!.Handle(e, new TimeSpan(_now), effects);
        foreach (ref readonly var effect in effects.Span)
        {
            Carry(effect);
        }

        effects.Clear();
    }

    private void Carry(in SwarmEffect effect)
    {
        switch (effect.Kind)
        {
            case SwarmEffectKind.Send:
                Send(effect);
                break;
            case SwarmEffectKind.Unsend:
                Unsend(effect);
                break;
            case SwarmEffectKind.Disconnect:
                Close(effect.Peer.Value - 1);
                break;
            case SwarmEffectKind.Connect:
                Call((IPEndPoint)effect.Payload!);
                break;
            case SwarmEffectKind.Disk:
                Carry(effect.Disk);
                break;
            case SwarmEffectKind.NeedPeers:
                Announce();
                break;
            case SwarmEffectKind.PieceCompleted:
                PiecesDone++;
                break;
            case SwarmEffectKind.Completed:
                CompletedAt = _now;
                break;
        }
    }

    /// <summary>A disk that takes no time but for hashing, and keeps count instead of content.</summary>
    private void Carry(in DiskRequest request)
    {
        switch (request.Kind)
        {
            case DiskRequestKind.WriteBlock:
                request.Buffer!.Release();
                var piece = request.Piece;
                if (++_written[piece.Value] == _world.Metainfo.Layout.DataBlockCount(piece))
                {
                    var at = _now + _world.Options.HashDelay.Ticks;
                    _agenda.Add(_store, new CrowdEvent(CrowdEventKind.Hashed, at, Piece: (uint)piece.Value));
                }

                break;
            case DiskRequestKind.ReadBlock:
                _mailbox.Enqueue(
                    new SwarmEvent(
                        SwarmEventKind.BlockRead,
                        request.Peer,
                        Piece: (uint)request.Piece.Value,
                        Begin: (uint)request.Begin,
                        Length: (uint)request.Length,
                        Payload: _worker.Rent(request.Length)
                    )
                );
                break;
        }
    }
}
