using System.Buffers;
using System.Net;
using BenchmarkDotNet.Attributes;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Benchmarks;

/// <summary>A swarm of 1,000 peers and 100,000 pieces, of which each peer has a random half.</summary>
public class SwarmBenchmarks
{
    private const int Peers = 1000;
    private const int Pieces = 100_000;
    private const int PieceLength = 1024 * 1024;
    private const int Picked = 64;

    private readonly SwarmEffects _effects = new();
    private readonly BlockRef[] _blocks = new BlockRef[Picked];
    private readonly Random _random = new(1);
    private Swarm _swarm = null!;
    private PeerState[] _peers = [];
    private TimeSpan _now = TimeSpan.FromSeconds(1);
    private int _next;

    [GlobalSetup]
    public void Fill()
    {
        var metainfo = Metainfo();
        _swarm = new Swarm(
            new SwarmOptions
            {
                Random = new Random(1),
                PeerId = new PeerId("-SH0100-000000000000"u8),
                Limits = SwarmLimits.Default with { MaxPeers = Peers },
            },
            metainfo.InfoHashes,
            metainfo
        );
        var resume = new ResumeState { Have = new Bitfield(Pieces), Check = new Bitfield(Pieces) };
        Do(new SwarmEvent(SwarmEventKind.ResumeLoaded, Payload: resume));
        for (var i = 1; i <= Peers; i++)
        {
            Join(new PeerHandle(i), metainfo.InfoHashes.Primary, i);
        }

        _peers = [.. _swarm.State.Peers];
    }

    /// <summary>A piece of 64 blocks for one of the peers, which is then given back.</summary>
    [Benchmark(OperationsPerInvoke = Picked)]
    public int Pick()
    {
        var context = new PickContext
        {
            Content = _swarm.State.Content!,
            Peer = _peers[_next++ % _peers.Length],
            Now = _now,
            Random = _random,
        };
        var count = Picker.Pick(context, _blocks);
        context.Content.Drop(context.Content.Partials[_blocks[0].Piece.Value]);
        context.Peer.Current = null;
        return count;
    }

    /// <summary>All that the passing of a tenth of a second takes: rates, choking, requests.</summary>
    [Benchmark]
    public int Tick()
    {
        _now += SwarmEvent.TickInterval;
        return Do(new SwarmEvent(SwarmEventKind.Tick));
    }

    /// <summary>A peer says that it has one piece more, or that it lost it (so that the state stays as it is).</summary>
    [Benchmark]
    public int Have()
    {
        var peer = _peers[_next++ % _peers.Length];
        var piece = (uint)(_next * 7919 % Pieces);
        return Do(new SwarmEvent(SwarmEventKind.Message, peer.Handle, MessageId.Have, piece));
    }

    private static Metainfo Metainfo()
    {
        var draft = new MetainfoDraft
        {
            Format = TorrentFormat.V1,
            Name = "content",
            PieceLength = PieceLength,
            IsSingleFile = true,
            Files = [new MetainfoDraftFile { Path = ["content"], Size = (long)Pieces * PieceLength }],
            V1PieceHashes = new byte[Pieces * Sha1Digest.Size],
        };
        var output = new ArrayBufferWriter<byte>();
        MetainfoWriter.Write(draft, output);
        return MetainfoReader.TryRead(output.WrittenMemory, MetainfoLimits.Default, out var metainfo, out var error)
            ? metainfo
            : throw new InvalidDataException(error.ToString());
    }

    private void Join(PeerHandle handle, InfoHash infoHash, int number)
    {
        var id = new byte[PeerId.Size];
        BitConverter.TryWriteBytes(id, number);
        Do(
            new SwarmEvent(
                SwarmEventKind.PeerJoined,
                handle,
                Payload: new PeerIntroduction
                {
                    EndPoint = new IPEndPoint(new IPAddress([10, 0, (byte)(number >> 8), (byte)number]), 4000),
                    PeerId = new PeerId(id),
                    Capabilities = PeerCapabilities.Fast,
                    IsOutgoing = true,
                    InfoHash = infoHash,
                }
            )
        );
        var bytes = new byte[(Pieces + 7) / 8];
        _random.NextBytes(bytes);
        Do(new SwarmEvent(SwarmEventKind.Message, handle, MessageId.Bitfield, Payload: bytes));
        Do(new SwarmEvent(SwarmEventKind.Message, handle, MessageId.Interested));
    }

    private int Do(SwarmEvent e)
    {
        _effects.Clear();
        _swarm.Handle(e, _now, _effects);
        return _effects.Span.Length;
    }
}
