using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Testing;

internal sealed record SimNodeOptions
{
    public required SimTorrent Torrent { get; init; }

    /// <summary>False: starts with a magnet link only.</summary>
    public bool KnowsMetainfo { get; init; } = true;

    /// <summary>The names the node knows the torrent by; null: all.</summary>
    public InfoHashes? InfoHashes { get; init; }

    public bool IsSeed { get; init; }

    /// <summary>Bytes a second; 0: no limit.</summary>
    public long Up { get; init; }

    /// <summary>Bytes a second; 0: no limit.</summary>
    public long Down { get; init; }

    public bool SuperSeeding { get; init; }
    public bool Sequential { get; init; }
    public SwarmLimits Limits { get; init; } = SwarmLimits.Default;
    public PeerCapabilities Capabilities { get; init; } = PeerCapabilities.Fast | PeerCapabilities.Extensions;
    public bool CheckInvariants { get; init; }
    public Func<MetainfoFile, FilePriority>? FilePriority { get; init; }

    /// <summary>Changes blocks on their way out: a liar.</summary>
    public Action<uint, uint, Memory<byte>>? Corrupt { get; init; }

    /// <summary>Takes requests and never answers.</summary>
    public bool IsStalled { get; init; }
}

/// <summary>One peer of the simulated world: a real swarm, what its loop would do, its disk and its links.</summary>
internal sealed class SimNode
{
    private readonly SimWorld _world;
    private readonly SwarmEffects _effects = new();
    private readonly Queue<SwarmEvent> _mailbox = new();
    private readonly Dictionary<int, SimLink> _links = [];
    private readonly Dictionary<int, SimWebServer> _webSeeds = [];
    private readonly SimUplink _uplink;
    private int _nextHandle = 1;
    private bool _isHandling;
    private TimeSpan _downFreeAt;

    public SimNode(SimWorld world, int index, SimNodeOptions options)
    {
        _world = world;
        Index = index;
        Options = options;
        EndPoint = new IPEndPoint(new IPAddress([10, (byte)(index >> 8), (byte)index, 1]), 6881);
        Disk = new SimDisk(world, this, options.Torrent.Metainfo);
        if (options.IsSeed)
        {
            Disk.Fill(options.Torrent.Content);
        }

        _uplink = new SimUplink(world, this, options.Up);
    }

    public int Index { get; }
    public SimNodeOptions Options { get; }
    public IPEndPoint EndPoint { get; }
    public SimDisk Disk { get; }
    public Swarm? Swarm { get; private set; }

    /// <summary>Counts starts and deaths: answers to a former life are dropped.</summary>
    public int Life { get; private set; }
    public bool IsRunning => Swarm is not null;
    public TimeSpan? CompletedAt { get; private set; }
    public int Completions { get; private set; }

    /// <summary>How often it had nothing to do, and began anew from its <see cref="SwarmMemory"/>.</summary>
    public int Rests { get; private set; }
    public List<IPAddress> Banned { get; } = [];
    public List<WebSeedUrl> BannedWebSeeds { get; } = [];
    public List<DisconnectReason> Disconnects { get; } = [];
    public List<int> CompletedPieces { get; } = [];
    public Dictionary<int, SimLink> Links => _links;
    public TorrentStatus Status => Swarm!.CreateStatus(_world.Now);
    public bool IsDone => Swarm?.State.IsSeeding == true;
    public bool HasContent =>
        Disk.Content.AsSpan(0, Options.Torrent.Content.Length).SequenceEqual(Options.Torrent.Content);

    public InfoHashes InfoHashes => Options.InfoHashes ?? Options.Torrent.Metainfo.InfoHashes;

    public void Start()
    {
        Life++;
        var metainfo = Options.KnowsMetainfo ? Options.Torrent.Metainfo : null;
        Swarm = new Swarm(
            new SwarmOptions
            {
                Random = new Random(HashCode(_world.Seed, Index, Life)),
                PeerId = CreatePeerId(),
                ListenPort = EndPoint.Port,
                ExternalAddresses = [EndPoint.Address],
                SuperSeeding = Options.SuperSeeding,
                Sequential = Options.Sequential,
                Limits = Options.Limits,
                FilePriority = Options.FilePriority,
                CheckInvariants = Options.CheckInvariants,
            },
            InfoHashes,
            metainfo
        );
        if (metainfo is not null)
        {
            Post(new SwarmEvent(SwarmEventKind.ResumeLoaded, Payload: Disk.CreateResume()));
        }

        Tick(Life);
    }

    /// <summary>As by kill -9: nothing is said to anybody; the others notice after a while.</summary>
    public void Kill()
    {
        Life++;
        Swarm = null;
        Disk.Forget();
        foreach (var link in _links.Values.ToArray())
        {
            link.Close(DisconnectReason.ConnectionLost);
        }

        _links.Clear();
        _webSeeds.Clear();
        while (_mailbox.TryDequeue(out var e))
        {
            (e.Payload as BlockBuffer)?.Release();
        }
    }

    public void Introduce(params SimNode[] others) =>
        Post(
            new SwarmEvent(
                SwarmEventKind.CandidatesFound,
                Payload: new CandidateBatch([.. others.Select(node => node.EndPoint)], PeerSource.Tracker)
            )
        );

    /// <summary>Uses a web seed from now on, as the loops of a real torrent would while something is missing.</summary>
    public PeerHandle Use(SimWebServer server)
    {
        var handle = new PeerHandle(-_nextHandle++);
        _webSeeds.Add(handle.Value, server);
        server.Join(this, handle);
        return handle;
    }

    public void Command(SwarmCommand command) => Post(new SwarmEvent(SwarmEventKind.Command, Payload: command));

    /// <summary>Hands an event to the swarm; what it causes at once is done before this returns.</summary>
    public void Post(SwarmEvent e)
    {
        if (Swarm is null)
        {
            (e.Payload as BlockBuffer)?.Release();
            return;
        }

        _mailbox.Enqueue(e);
        if (_isHandling)
        {
            return;
        }

        _isHandling = true;
        while (Swarm is not null && _mailbox.TryDequeue(out var next))
        {
            Swarm.Handle(next, _world.Now, _effects);
            Carry();
            // Wherever it may rest it does, and goes on as another.
            if (Swarm?.Remember() is { } memory)
            {
                Rests++;
                Swarm = new Swarm(memory, _world.Now);
            }
        }

        _isHandling = false;
    }

    /// <summary>When the last byte of something that arrives now is through the downlink.</summary>
    public TimeSpan ReserveDown(int bytes)
    {
        if (Options.Down == 0)
        {
            return _world.Now;
        }

        _downFreeAt =
            (_downFreeAt > _world.Now ? _downFreeAt : _world.Now) + TimeSpan.FromSeconds((double)bytes / Options.Down);
        return _downFreeAt;
    }

    public SimLink Accept(SimNode other, bool isOutgoing, InfoHash infoHash)
    {
        var handle = new PeerHandle(_nextHandle++);
        var link = new SimLink(_world, this, other, handle, isOutgoing, infoHash, _uplink);
        _links.Add(handle.Value, link);
        return link;
    }

    public void Closed(SimLink link) => _links.Remove(link.Handle.Value);

    public PeerId CreatePeerId()
    {
        var bytes = new byte[PeerId.Size];
        new Random(HashCode(_world.Seed, Index, Life, 7)).NextBytes(bytes);
        return new PeerId(bytes);
    }

    private void Tick(int life)
    {
        if (life != Life)
        {
            return;
        }

        Post(new SwarmEvent(SwarmEventKind.Tick));
        _world.After(SwarmEvent.TickInterval, () => Tick(life));
    }

    private void Carry()
    {
        for (var i = 0; i < _effects.Count; i++)
        {
            var effect = _effects[i];
            _world.Trace(Index, effect);
            Carry(effect);
        }

        _effects.Clear();
    }

    private void Carry(in SwarmEffect effect)
    {
        if (_webSeeds.TryGetValue(effect.Peer.Value, out var server))
        {
            if (effect.Kind == SwarmEffectKind.Disconnect)
            {
                Disconnects.Add((DisconnectReason)effect.Piece);
                _webSeeds.Remove(effect.Peer.Value);
            }

            server.Apply(this, effect);
            return;
        }

        var link = _links.GetValueOrDefault(effect.Peer.Value);
        switch (effect.Kind)
        {
            case SwarmEffectKind.Send when link is not null:
                if (effect.Payload is BlockBuffer block)
                {
                    Options.Corrupt?.Invoke(effect.Piece, effect.Begin, block.Memory);
                }

                link.Send(effect);
                break;
            case SwarmEffectKind.Send:
                (effect.Payload as BlockBuffer)?.Release();
                break;
            case SwarmEffectKind.Unsend:
                link?.Unsend(effect);
                break;
            case SwarmEffectKind.Disconnect:
                Disconnects.Add((DisconnectReason)effect.Piece);
                link?.Close(DisconnectReason.ClosedByPeer);
                break;
            case SwarmEffectKind.Ban:
                Banned.Add((IPAddress)effect.Payload!);
                break;
            case SwarmEffectKind.BanWebSeed:
                BannedWebSeeds.Add((WebSeedUrl)effect.Payload!);
                break;
            case SwarmEffectKind.Connect:
                SimLink.Connect(_world, this, (IPEndPoint)effect.Payload!);
                break;
            case SwarmEffectKind.Disk:
                if (Options.IsStalled && effect.Disk.Kind == DiskRequestKind.ReadBlock)
                {
                    break;
                }

                Disk.Submit([effect.Disk]);
                break;
            case SwarmEffectKind.PieceLayersFetched:
                Disk.PieceLayers = (byte[])effect.Payload!;
                break;
            case SwarmEffectKind.Completed:
                CompletedAt ??= _world.Now;
                Completions++;
                break;
            case SwarmEffectKind.PieceCompleted:
                CompletedPieces.Add((int)effect.Piece);
                break;
            case SwarmEffectKind.MetadataFetched:
                var fetched = SimTorrent.Read((byte[])effect.Payload!, InfoHashes);
                Post(new SwarmEvent(SwarmEventKind.MetadataReady, Payload: fetched));
                Post(new SwarmEvent(SwarmEventKind.ResumeLoaded, Payload: Disk.CreateResume()));
                break;
        }
    }

    private static int HashCode(params ReadOnlySpan<int> values)
    {
        var hash = 17;
        foreach (var value in values)
        {
            hash = unchecked((hash * 31) + value);
        }

        return hash;
    }
}
