using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>The node's connections and what they share: its uplink and its downlink.</summary>
internal sealed partial class CrowdNode
{
    /// <summary>Messages sent in one go, so that a have for everybody is not as many things to happen.</summary>
    private const int MostTogether = 64;

    /// <summary>
    /// What Linux lets one connection have in the queue of the interface at this rate, in bytes: two times two segments and one that
    /// is just leaving (tcp_small_queue_check).
    /// </summary>
    private const int QueuedOfLink = 5 * 1514;

    /// <summary>Longer is no queue of a shaped uplink.</summary>
    private static readonly long s_mostQueued = TimeSpan.FromMilliseconds(100).Ticks;

    /// <summary>What comes so soon behind something is handled with it, in ticks: a few messages without a block.</summary>
    private const long AtOnce = 50 * TimeSpan.TicksPerMicrosecond;

    // Places of links that have something to send.
    private readonly Queue<int> _waiting = new();
    private CrowdLink[] _links = new CrowdLink[16];
    private int _linkCount;

    // What is leaving, and whose link was the last to put something there.
    private CrowdLine _sending;
    private int _lastSending;
    private bool _isSending;
    private CrowdLine _arriving;
    private bool _isReceiving;
    private HashSet<(uint, uint)>? _leftOnce;

    /// <summary>Samples, ten a second, of a node that had pieces: what its uplink did.</summary>
    public UplinkSamples Samples;

    /// <summary>Of the origin: when the last block left it for the first time, in ticks, and blocks sent twice before.</summary>
    public long SpreadAt { get; private set; }
    public int SentTwice { get; private set; }

    /// <summary>What the uplink was found doing.</summary>
    internal struct UplinkSamples
    {
        public int Busy;

        /// <summary>Nobody wants anything.</summary>
        public int Unwanted;

        /// <summary>Somebody does whom we choke.</summary>
        public int Choking;

        /// <summary>All who do may ask, and have not.</summary>
        public int Unasked;

        public void Add(in UplinkSamples other) => this = Combine(this, other, 1);

        public readonly UplinkSamples Since(in UplinkSamples before) => Combine(this, before, -1);

        private static UplinkSamples Combine(in UplinkSamples a, in UplinkSamples b, int sign) =>
            new()
            {
                Busy = a.Busy + sign * b.Busy,
                Unwanted = a.Unwanted + sign * b.Unwanted,
                Choking = a.Choking + sign * b.Choking,
                Unasked = a.Unasked + sign * b.Unasked,
            };
    }

    private PeerId PeerId => PeerIdOf(Index);

    private static PeerId PeerIdOf(int index)
    {
        Span<byte> bytes = stackalloc byte[PeerId.Size];
        "-SM0000-"u8.CopyTo(bytes);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes[8..], CrowdWorld.Mix(index, 77, 0));
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes[12..], index);
        return new PeerId(bytes);
    }

    private void Call(IPEndPoint endPoint)
    {
        var other = _world.IndexOf(endPoint);
        var delay = _world.Delay(Index, other);
        var place = AddLink(new CrowdLink(other, -1, delay, _world.Options.Window));
        // The handshakes of TCP and of the protocol: the other end knows after three ways, we after four.
        var call = new CrowdEvent(CrowdEventKind.Called, _now + 3 * delay, From: Index, Piece: (uint)place);
        _worker.Post(other, call);
    }

    private int AddLink(in CrowdLink link)
    {
        if (_linkCount == _links.Length)
        {
            Array.Resize(ref _links, _linkCount * 2);
        }

        _links[_linkCount] = link;
        return _linkCount++;
    }

    private void OnCalled(in CrowdEvent e)
    {
        var delay = _world.Delay(Index, e.From);
        if (Swarm is null)
        {
            _worker.Post(e.From, new CrowdEvent(CrowdEventKind.Missed, _now + delay, (int)e.Piece));
            return;
        }

        var place = AddLink(new CrowdLink(e.From, (int)e.Piece, delay, _world.Options.Window));
        _worker.Post(e.From, new CrowdEvent(CrowdEventKind.Answered, _now + delay, (int)e.Piece, Piece: (uint)place));
        Introduce(place, isOutgoing: false);
    }

    private void Introduce(int place, bool isOutgoing)
    {
        var other = _world.Nodes[_links[place].Other];
        var endPoint = isOutgoing ? other.EndPoint : new IPEndPoint(other.EndPoint.Address, 50000 + place % 10000);
        Post(
            new SwarmEvent(
                SwarmEventKind.PeerJoined,
                new PeerHandle(place + 1),
                Payload: new PeerIntroduction
                {
                    EndPoint = endPoint,
                    PeerId = PeerIdOf(other.Index),
                    Capabilities = PeerCapabilities.Fast | PeerCapabilities.Extensions,
                    IsOutgoing = isOutgoing,
                    InfoHash = _world.Metainfo.InfoHashes.Primary,
                    Source = isOutgoing ? PeerSource.Tracker : PeerSource.Incoming,
                }
            )
        );
    }

    private void Close(int place)
    {
        ref var link = ref _links[place];
        if (link.IsClosed)
        {
            return;
        }

        link.Close(_store);
        if (link.OtherPlace >= 0)
        {
            _worker.Post(link.Other, new CrowdEvent(CrowdEventKind.Closed, _now + link.Delay, link.OtherPlace));
        }
    }

    private void Send(in SwarmEffect effect)
    {
        var place = effect.Peer.Value - 1;
        ref var link = ref _links[place];
        (effect.Payload as BlockBuffer)?.Release();
        if (link.IsClosed || (_isFreeRider && effect.MessageId is MessageId.Unchoke or MessageId.AllowedFast))
        {
            return;
        }

        link.Add(
            _store,
            new CrowdEvent(
                CrowdEventKind.Arrived,
                0,
                place,
                Index,
                effect.MessageId,
                effect.Piece,
                effect.Begin,
                effect.Length,
                effect.Payload as byte[]
            )
        );
        Wake(place);
    }

    /// <summary>As the outbox of a real link: what has not left is taken back, and answered if an answer is named.</summary>
    private void Unsend(in SwarmEffect effect)
    {
        ref var link = ref _links[effect.Peer.Value - 1];
        if (link.IsClosed)
        {
            return;
        }

        var bytes = link.TakeBack(_store, effect.Piece, effect.Begin, effect.Length);
        if (bytes == 0)
        {
            return;
        }

        if (effect.MessageId != default)
        {
            Send(effect);
        }

        Post(new SwarmEvent(SwarmEventKind.PayloadSent, effect.Peer, Begin: (uint)bytes));
    }

    private void Wake(int place)
    {
        Enqueue(place);
        if (!_isSending)
        {
            SendNext();
        }
    }

    /// <summary>The uplink sends what waited longest: a block, or the messages of all links up to the next block.</summary>
    private void SendNext()
    {
        var bytes = 0L;
        var count = 0;
        while (_waiting.TryPeek(out var place))
        {
            ref var link = ref _links[place];
            if (link.IsClosed || !link.CanSend)
            {
                _waiting.Dequeue();
                link.IsWaiting = false;
                continue;
            }

            var isBlock = !link.HasMessages;
            if (count > 0 && (isBlock || count >= MostTogether))
            {
                break;
            }

            _waiting.Dequeue();
            link.IsWaiting = false;
            var turn = link.TakeTurn(_store, ref _sending, _now);
            count += turn.Count;
            bytes += turn.Bytes;
            _lastSending = place;
            if (isBlock)
            {
                break;
            }

            // Its blocks wait behind what the others have waiting.
            Enqueue(place);
        }

        if (count > 0)
        {
            _isSending = true;
            _agenda.Add(_now + bytes * TimeSpan.TicksPerSecond / _up, CrowdEventKind.Sent);
        }
    }

    private void Enqueue(int place)
    {
        ref var link = ref _links[place];
        if (!link.IsWaiting && !link.IsClosed && link.CanSend)
        {
            link.IsWaiting = true;
            _waiting.Enqueue(place);
        }
    }

    private void OnSent()
    {
        _isSending = false;
        var payload = 0u;
        var sent = _lastSending;
        while (!_sending.IsEmpty)
        {
            var place = _sending.Take(_store);
            ref readonly var message = ref _store[place];
            ref readonly var link = ref _links[message.Link];
            if (message.MessageId == MessageId.Piece)
            {
                payload += message.Length;
                NoteSpread(message);
            }

            if (!link.IsClosed)
            {
                _worker.Post(link.Other, message with { At = _now + link.Delay, Link = link.OtherPlace });
            }

            _store.Free(place);
        }

        Enqueue(sent);
        Sent += payload;
        SendNext();
        if (payload > 0 && !_links[sent].IsClosed)
        {
            Post(new SwarmEvent(SwarmEventKind.PayloadSent, new PeerHandle(sent + 1), Length: payload));
        }
    }

    /// <summary>The event goes on to wait in the downlink.</summary>
    private void OnArrived(int place, ref CrowdEvent e)
    {
        var start = Math.Max(_downFreeAt, _now);
        _downFreeAt = start + (long)e.Size * TimeSpan.TicksPerSecond / _down;
        e.At = _downFreeAt;
        _arriving.Add(_store, place);
        if (!_isReceiving)
        {
            _isReceiving = true;
            _agenda.Add(_downFreeAt, CrowdEventKind.Delivered);
        }
    }

    /// <summary>The first in the downlink is through, and with it what follows at once.</summary>
    private void OnDelivered()
    {
        do
        {
            var place = _arriving.Take(_store);
            Deliver(_store[place]);
            _store.Free(place);
        } while (!_arriving.IsEmpty && _store[_arriving.First].At < _now + AtOnce);

        _isReceiving = !_arriving.IsEmpty;
        if (_isReceiving)
        {
            _agenda.Add(_store[_arriving.First].At, CrowdEventKind.Delivered);
        }
    }

    private void Deliver(in CrowdEvent e)
    {
        ref readonly var link = ref _links[e.Link];
        if (link.IsClosed)
        {
            return;
        }

        if (e.MessageId != MessageId.Piece)
        {
            Post(e.ToSwarm(e.Payload));
            return;
        }

        Received += e.Length;
        var at = _now + AcknowledgementWaits + link.Delay;
        _worker.Post(link.Other, new CrowdEvent(CrowdEventKind.Acknowledged, at, link.OtherPlace, Length: e.Length));
        Post(e.ToSwarm(_worker.Rent((int)e.Length)));
    }

    /// <summary>
    /// An acknowledgement leaves behind what the node's other connections have in the queue of its uplink: of each some packets.
    /// </summary>
    private long AcknowledgementWaits =>
        Math.Min((long)_waiting.Count * QueuedOfLink * TimeSpan.TicksPerSecond / _up, s_mostQueued);

    private void NoteSpread(in CrowdEvent block)
    {
        if (!IsOrigin || (_leftOnce ??= []).Count * (long)PieceLayout.BlockSize >= _world.Options.Size)
        {
            return;
        }

        if (_leftOnce.Add((block.Piece, block.Begin)))
        {
            SpreadAt = _now;
        }
        else
        {
            SentTwice++;
        }
    }

    private void NoteUplink()
    {
        if (!IsOrigin && (PiecesDone == 0 || _world.IsOver))
        {
            return;
        }

        if (_isSending)
        {
            Samples.Busy++;
            return;
        }

        var wanted = false;
        var choking = false;
        foreach (var peer in Swarm!.State.Peers)
        {
            wanted |= peer.IsInterested;
            choking |= peer.IsInterested && peer.AreWeChoking;
        }

        Samples.Unwanted += wanted ? 0 : 1;
        Samples.Choking += choking ? 1 : 0;
        Samples.Unasked += wanted && !choking ? 1 : 0;
    }
}
