using System.Buffers;
using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>
/// Very many real swarms in virtual time, on one machine: blocks are numbers, disks count, hashes are always good. What
/// one node does reaches another only after the least delay, so each span of that length is computed node by node, on
/// as many threads as one likes, and comes out the same.
/// </summary>
internal sealed class CrowdWorld
{
    private readonly CrowdWorker[] _workers;
    private readonly Dictionary<IPAddress, int> _byAddress = [];
    private readonly long _span;
    private long _end;

    public CrowdWorld(CrowdOptions options)
    {
        Options = options;
        Metainfo = CreateMetainfo(options.Size, options.PieceLength);
        Good = new PieceHashResult[Metainfo.Layout.PieceCount];
        for (var i = 0; i < Good.Length; i++)
        {
            Good[i] = new PieceHashResult
            {
                Piece = Metainfo.Layout.Piece(i),
                IsComplete = true,
                V1 = new Sha1Digest(new byte[Sha1Digest.Size]),
            };
        }

        _span = options.LeastDelay.Ticks;
        Nodes = new CrowdNode[options.Receivers + 1];
        _workers =
        [
            .. Enumerable.Range(0, options.Threads).Select(i => new CrowdWorker(i, options.Threads, Nodes.Length)),
        ];
        var random = new Random(Mix(options.Seed, -1, 0));
        for (var i = 0; i < Nodes.Length; i++)
        {
            var (up, down) =
                i == 0 ? (options.OriginUp, options.OriginUp) : options.Links[(i - 1) % options.Links.Count];
            var store = Array.Find(_workers, worker => worker.Computes(i))!.Store;
            Nodes[i] = new CrowdNode(this, store, i, up, down, Draw(random, i == 0));
            _byAddress.Add(Nodes[i].EndPoint.Address, i);
        }
    }

    public CrowdOptions Options { get; }
    public Metainfo Metainfo { get; }

    /// <summary>What every disk answers for each piece.</summary>
    public PieceHashResult[] Good { get; }
    public CrowdNode[] Nodes { get; }
    public TimeSpan Now => new(_end);

    /// <summary>Everybody who is alive and gives has everything.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Called after each span with what the world is like then.</summary>
    public Action<CrowdWorld>? AfterSpan { get; set; }

    /// <summary>Until everybody has everything; false: not within the time.</summary>
    public bool Run(TimeSpan limit)
    {
        using var barrier = new Barrier(_workers.Length);
        var threads = new Thread[_workers.Length - 1];
        var failures = new Exception?[_workers.Length];
        void Work(int number)
        {
            while (!IsOver && _end < limit.Ticks)
            {
                Step(barrier, number, failures);
                if (Array.Exists(failures, failure => failure is not null))
                {
                    return;
                }
            }
        }

        for (var i = 0; i < threads.Length; i++)
        {
            var number = i + 1;
            threads[i] = new Thread(() => Work(number), 4 << 20);
            threads[i].Start();
        }

        Work(0);
        foreach (var thread in threads)
        {
            thread.Join();
        }

        if (Array.Find(failures, failure => failure is not null) is { } first)
        {
            throw new InvalidOperationException($"the crowd with seed {Options.Seed} failed at {Now}", first);
        }

        return IsOver;
    }

    public long Delay(int from, int to) => Nodes[from].Distance + Nodes[to].Distance;

    public int IndexOf(IPEndPoint endPoint) => _byAddress[endPoint.Address];

    /// <summary>What the tracker answers: some of those that have joined, the origin among them like anybody.</summary>
    public IPEndPoint[] Track(int index, int turn, long now)
    {
        var random = new Random(Mix(Options.Seed, index, turn + 2));
        var found = new HashSet<int>();
        // The origin is the last whom a small swarm should not find.
        for (
            var i = 0;
            i < 4 * Options.TrackerPeers && found.Count < Math.Min(Options.TrackerPeers, Nodes.Length - 1);
            i++
        )
        {
            var other = random.Next(Nodes.Length);
            if (other != index && Nodes[other].JoinsAt <= now)
            {
                found.Add(other);
            }
        }

        if (Nodes.Length - 1 <= Options.TrackerPeers)
        {
            found = [.. Enumerable.Range(0, Nodes.Length).Where(i => i != index && Nodes[i].JoinsAt <= now)];
        }

        return [.. found.Select(other => Nodes[other].EndPoint)];
    }

    /// <summary>Unlike any other's, and of as many networks as there are nodes.</summary>
    public static IPAddress AddressOf(int index)
    {
        var bits = (0x14000000u + ((uint)index * 0x10003u & 0x3fffffffu));
        return new IPAddress([(byte)(bits >> 24), (byte)(bits >> 16), (byte)(bits >> 8), (byte)bits]);
    }

    public static int Mix(int a, int b, int c)
    {
        var hash = unchecked((uint)a * 0x9E3779B1u ^ (uint)b * 0x85EBCA77u ^ (uint)c * 0xC2B2AE3Du);
        hash ^= hash >> 15;
        hash *= 0x2C1B3C6Du;
        hash ^= hash >> 12;
        hash *= 0x297A2D39u;
        return (int)(hash ^ (hash >> 15));
    }

    private void Step(Barrier barrier, int number, Exception?[] failures)
    {
        var worker = _workers[number];
        var end = _end + _span;
        try
        {
            worker.RunUntil(end, Nodes);
        }
        catch (Exception exception)
        {
            failures[number] = exception;
        }

        barrier.SignalAndWait();
        worker.Collect(_workers);
        barrier.SignalAndWait();
        if (number == 0)
        {
            _end = end;
            IsOver = Array.TrueForAll(
                Nodes,
                node => node.IsOrigin || node.IsDead || node.IsFreeRider || node.CompletedAt > 0
            );
            AfterSpan?.Invoke(this);
        }

        barrier.SignalAndWait();
    }

    private CrowdNode.Fate Draw(Random random, bool isOrigin)
    {
        var least = Options.LeastDelay.Ticks / 2;
        var spread = Options.GreatestDelay.Ticks / 2 - least;
        var distance = least + (long)(random.NextDouble() * spread);
        var joins = (long)(random.NextDouble() * Options.JoinOver.Ticks);
        var dies = joins + (long)(random.NextDouble() * Options.Bound * TimeSpan.TicksPerSecond);
        var isDying = random.NextDouble() < Options.Dying;
        var isLeaving = random.NextDouble() < Options.Leaving;
        var isFreeRider = random.NextDouble() < Options.FreeRiders;
        return isOrigin
            ? new CrowdNode.Fate(distance, 0, 0, false, false)
            : new CrowdNode.Fate(distance, joins, isDying ? dies : 0, isLeaving, isFreeRider);
    }

    /// <summary>A torrent whose pieces all have the same hash: nobody computes any.</summary>
    private static Metainfo CreateMetainfo(long size, int pieceLength)
    {
        var draft = new MetainfoDraft
        {
            Format = TorrentFormat.V1,
            Name = "content",
            PieceLength = pieceLength,
            IsSingleFile = true,
            Files = [new MetainfoDraftFile { Path = ["content"], Size = size }],
            V1PieceHashes = new byte[Sha1Digest.Size * ((size + pieceLength - 1) / pieceLength)],
        };
        var output = new ArrayBufferWriter<byte>();
        MetainfoWriter.Write(draft, output);
        return MetainfoReader.TryRead(
            output.WrittenSpan.ToArray(),
            MetainfoLimits.Default,
            PathRules.Posix,
            out var metainfo,
            out var error
        )
            ? metainfo
            : throw new InvalidOperationException($"bad torrent: {error}");
    }
}
