using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>
/// One end of a simulated connection: an outbox that the node's uplink empties in turn. As in a real link, messages go
/// ahead of blocks that wait.
/// </summary>
internal sealed class SimLink
{
    private const int HeaderSize = 17;

    private readonly SimWorld _world;
    private readonly SimNode _node;
    private readonly SimUplink _uplink;
    private TimeSpan _lastArrival;
    private bool _isClosed;

    public SimLink(
        SimWorld world,
        SimNode node,
        SimNode other,
        PeerHandle handle,
        bool isOutgoing,
        InfoHash infoHash,
        SimUplink uplink
    )
    {
        _world = world;
        _node = node;
        Other = other;
        Handle = handle;
        IsOutgoing = isOutgoing;
        InfoHash = infoHash;
        _uplink = uplink;
    }

    public SimNode Other { get; }
    public PeerHandle Handle { get; }
    public bool IsOutgoing { get; }
    public InfoHash InfoHash { get; }
    public SimLink? Remote { get; private set; }
    public Queue<SwarmEffect> Messages { get; } = new();
    public Queue<SwarmEffect> Blocks { get; } = new();
    public bool IsEmpty => Messages.Count == 0 && Blocks.Count == 0;
    public bool IsClosed => _isClosed;

    public static void Connect(SimWorld world, SimNode from, IPEndPoint endPoint)
    {
        var target = world.Find(endPoint);
        var life = from.Life;
        var delay = target is null ? TimeSpan.FromMilliseconds(50) : 3 * world.Latency(from, target);
        world.After(
            delay,
            () =>
            {
                if (from.Life != life)
                {
                    return;
                }

                var common = target is null
                    ? []
                    : from.InfoHashes.OnTheWire.Intersect(target.InfoHashes.OnTheWire).ToArray();
                if (target is not { IsRunning: true } || !world.IsReachable(from, target) || common.Length == 0)
                {
                    var failure = common.Length == 0 ? DisconnectReason.UnknownTorrent : DisconnectReason.ConnectFailed;
                    from.Post(new SwarmEvent(SwarmEventKind.ConnectFailed, Piece: (uint)failure, Payload: endPoint));
                    return;
                }

                var near = from.Accept(target, isOutgoing: true, common[0]);
                var far = target.Accept(from, isOutgoing: false, common[0]);
                (near.Remote, far.Remote) = (far, near);
                far.Introduce(new IPEndPoint(from.EndPoint.Address, 50000 + far.Handle.Value % 10000));
                near.Introduce(endPoint);
            }
        );
    }

    public void Send(in SwarmEffect effect)
    {
        (effect.MessageId == MessageId.Piece ? Blocks : Messages).Enqueue(effect);
        _uplink.Add(this);
    }

    /// <summary>Piece messages not on their way yet are taken back, all or the one that is named, and reported.</summary>
    public void Unsend(in SwarmEffect effect)
    {
        for (var left = Blocks.Count; left > 0; left--)
        {
            var block = Blocks.Dequeue();
            var isMeant =
                effect.Length == 0
                || (block.Piece == effect.Piece && block.Begin == effect.Begin && block.Length == effect.Length);
            if (!isMeant)
            {
                Blocks.Enqueue(block);
                continue;
            }

            ((BlockBuffer)block.Payload!).Release();
            _node.Post(new SwarmEvent(SwarmEventKind.PayloadSent, Handle, Begin: block.Length));
            if (effect.MessageId == MessageId.Reject)
            {
                Send(effect with { Kind = SwarmEffectKind.Send });
            }
        }
    }

    /// <summary>The node's end goes at once, the other end hears of it after the latency.</summary>
    public void Close(DisconnectReason reasonThere)
    {
        if (_isClosed)
        {
            return;
        }

        Drop();
        _node.Post(new SwarmEvent(SwarmEventKind.PeerLeft, Handle, Payload: DisconnectReason.ConnectionLost));
        var remote = Remote!;
        _world.After(
            _world.Latency(_node, Other),
            () =>
            {
                if (!remote._isClosed)
                {
                    remote.Drop();
                    Other.Post(new SwarmEvent(SwarmEventKind.PeerLeft, remote.Handle, Payload: reasonThere));
                }
            }
        );
    }

    public static int SizeOf(in SwarmEffect effect) =>
        HeaderSize
        + effect.Payload switch
        {
            BlockBuffer block => block.Length,
            byte[] bytes => bytes.Length,
            _ => 0,
        };

    /// <summary>The message has left our uplink.</summary>
    public void Transmit(SwarmEffect effect)
    {
        if (effect.MessageId == MessageId.Piece)
        {
            _node.Post(new SwarmEvent(SwarmEventKind.PayloadSent, Handle, Length: effect.Length));
        }

        // Reliable and in order, as TCP: nothing overtakes.
        var arrival = _world.Now + _world.Latency(_node, Other);
        _lastArrival = arrival > _lastArrival ? arrival : _lastArrival;
        _world.At(_lastArrival, () => Arrive(effect));
    }

    private void Arrive(SwarmEffect effect)
    {
        if (Remote!._isClosed)
        {
            (effect.Payload as BlockBuffer)?.Release();
            return;
        }

        var through = Other.ReserveDown(SizeOf(effect));
        _world.At(through, () => Remote.Deliver(effect));
    }

    private void Deliver(SwarmEffect effect)
    {
        if (_isClosed)
        {
            (effect.Payload as BlockBuffer)?.Release();
            return;
        }

        _node.Post(
            new SwarmEvent(
                SwarmEventKind.Message,
                Handle,
                effect.MessageId,
                effect.Piece,
                effect.Begin,
                effect.Length,
                effect.Payload
            )
        );
    }

    private void Drop()
    {
        _isClosed = true;
        _node.Closed(this);
        Messages.Clear();
        while (Blocks.TryDequeue(out var block))
        {
            ((BlockBuffer)block.Payload!).Release();
        }
    }

    private void Introduce(IPEndPoint endPoint)
    {
        var capabilities = Other.Options.Capabilities | (Other.InfoHashes.V2 is null ? 0 : PeerCapabilities.V2);
        _node.Post(
            new SwarmEvent(
                SwarmEventKind.PeerJoined,
                Handle,
                Payload: new PeerIntroduction
                {
                    EndPoint = endPoint,
                    PeerId = Other.CreatePeerId(),
                    // The fast extension is on only when both ends speak it, as the link finds out in the handshake.
                    Capabilities = capabilities & (_node.Options.Capabilities | PeerCapabilities.V2),
                    IsOutgoing = IsOutgoing,
                    InfoHash = InfoHash,
                    Source = IsOutgoing ? PeerSource.Tracker : PeerSource.Incoming,
                }
            )
        );
    }
}

/// <summary>What a node can send in a second, shared by its links message by message.</summary>
internal sealed class SimUplink(SimWorld world, SimNode node, long bytesPerSecond)
{
    private readonly Queue<SimLink> _waiting = new();
    private readonly HashSet<SimLink> _isWaiting = [];
    private bool _isBusy;

    public void Add(SimLink link)
    {
        if (_isWaiting.Add(link))
        {
            _waiting.Enqueue(link);
        }

        if (!_isBusy)
        {
            Next();
        }
    }

    private void Next()
    {
        while (_waiting.TryDequeue(out var link))
        {
            _isWaiting.Remove(link);
            if (link.IsClosed || link.IsEmpty)
            {
                continue;
            }

            Send(link);
            return;
        }
    }

    /// <summary>All messages of a link are one send; a block is one too.</summary>
    private void Send(SimLink link)
    {
        List<SwarmEffect> batch = link.Messages.Count > 0 ? [.. link.Messages] : [link.Blocks.Dequeue()];
        link.Messages.Clear();
        if (!link.IsEmpty && _isWaiting.Add(link))
        {
            _waiting.Enqueue(link);
        }

        _isBusy = true;
        var bytes = batch.Sum(effect => SimLink.SizeOf(effect));
        var time = bytesPerSecond == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)bytes / bytesPerSecond);
        var life = node.Life;
        world.After(
            time,
            () =>
            {
                _isBusy = false;
                foreach (var effect in batch)
                {
                    if (link.IsClosed || node.Life != life)
                    {
                        (effect.Payload as BlockBuffer)?.Release();
                    }
                    else
                    {
                        link.Transmit(effect);
                    }
                }

                if (!_isBusy)
                {
                    Next();
                }
            }
        );
    }
}
