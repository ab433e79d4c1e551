using System.Diagnostics;
using System.Globalization;
using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Benchmarks;

/// <summary>
/// What links alone cost: one process sends blocks from memory, another throws them away. Everything of the real
/// path is there but swarm and disk. Loopback under BBR is several times slower and noisier than under reno:
/// see bench/README.md for how to run this in a network namespace of its own.
/// </summary>
internal static class LinkBenchmark
{
    private const int Depth = 512;
    private static readonly InfoHash Name = new([.. Enumerable.Repeat((byte)0x11, 20)]);

    /// <param name="arguments">GiB.</param>
    /// <param name="isSecure">Within TLS, as between members of an invited swarm.</param>
    public static async Task<int> RunAsync(string[] arguments, bool isSecure = false)
    {
        var gigabytes = arguments.Length > 0 ? int.Parse(arguments[0], CultureInfo.InvariantCulture) : 4;
        var folder = isSecure ? Directory.CreateTempSubdirectory("shoal-bench-").FullName : "";
        var secure = new SecureTorrents(TimeProvider.System);
        var security = isSecure ? secure.Of(BenchMembers.Create(folder)) : null;
        var host = new SendingHost { Security = security };
        security?.TryAdd(Name, host);
        var finished = new TaskCompletionSource<TimeSpan>();
        await using var acceptor = TcpAcceptor.Start(
            LocalBinding.Create([IPAddress.Loopback], [], LocalInterface.ReadAll),
            0,
            TcpLimits.Default,
            TimeProvider.System,
            async (transport, remote, cancellation) =>
            {
                var handshake = new PeerHandshake(
                    PeerLinkLimits.Default,
                    TimeProvider.System,
                    secure: new SecureListener(secure, new KeyExchangeBudget(MseLimits.Default, TimeProvider.System))
                );
                var outcome = await handshake.AcceptAsync(transport, remote, _ => host, cancellation);
                _ = ServeAsync(outcome.Transport!, outcome);
            },
            exception => finished.TrySetException(exception)
        );

        async Task ServeAsync(ITransport transport, HandshakeOutcome outcome)
        {
            var before = Environment.CpuUsage.TotalTime;
            var link = new PeerLink(
                new PeerHandle(1),
                transport,
                host,
                outcome.Peer!,
                PeerLinkLimits.Default,
                TimeProvider.System
            );
            host.Link = link;
            await link.RunAsync();
            finished.TrySetResult(Environment.CpuUsage.TotalTime - before);
        }

        using var receiver = Process.Start(
            Environment.ProcessPath!,
            ["link-receive", acceptor.Port.ToString(CultureInfo.InvariantCulture), $"{gigabytes}", folder]
        );
        await receiver.WaitForExitAsync();
        var cpu = await finished.Task;
        if (isSecure)
        {
            Directory.Delete(folder, recursive: true);
        }

        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"sending:   {cpu.TotalSeconds / gigabytes:F3} CPU-s/GiB, {GC.GetTotalAllocatedBytes() / 1024} KiB allocated, {GC.CollectionCount(0)} collections"
            )
        );
        return receiver.ExitCode;
    }

    public static async Task<int> ReceiveAsync(string port, string gigabytes, string folder)
    {
        var host = new ReceivingHost(long.Parse(gigabytes, CultureInfo.InvariantCulture) << 30)
        {
            Security = folder.Length > 0 ? new MemberSecurity(BenchMembers.Load(folder), TimeProvider.System) : null,
        };
        var connector = new TcpConnector(
            new DirectEgress(LocalBinding.Everywhere),
            TcpLimits.Default,
            TimeProvider.System
        );
        var remote = new IPEndPoint(IPAddress.Loopback, int.Parse(port, CultureInfo.InvariantCulture));
        var connection = await connector.ConnectAsync(remote, CancellationToken.None);
        var handshake = new PeerHandshake(PeerLinkLimits.Default, TimeProvider.System);
        var outcome = await handshake.InitiateAsync(
            connection.Transport!,
            remote,
            host,
            Name,
            PeerSource.User,
            CancellationToken.None
        );
        host.Link = new PeerLink(
            new PeerHandle(1),
            outcome.Transport!,
            host,
            outcome.Peer!,
            PeerLinkLimits.Default,
            TimeProvider.System
        );
        var before = Environment.CpuUsage.TotalTime;
        var watch = Stopwatch.StartNew();
        await host.Link.RunAsync();
        var gib = host.Received / (double)(1 << 30);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"receiving: {(Environment.CpuUsage.TotalTime - before).TotalSeconds / gib:F3} CPU-s/GiB, {GC.GetTotalAllocatedBytes() / 1024} KiB allocated, {GC.CollectionCount(0)} collections, {host.Batches} batches\n{host.Received / 1e6 / watch.Elapsed.TotalSeconds:F0} MB/s"
            )
        );
        return host.ReceivePool.Leased == 0 ? 0 : 1;
    }

    private abstract class Host : ILinkHost, ISwarmMailbox
    {
        public InfoHashes InfoHashes { get; } = new(new Sha1Digest(Name.Span), null);
        public abstract PeerId PeerId { get; }
        public HandshakeFeatures Features => HandshakeFeatures.Fast;
        public ISwarmMailbox Mailbox => this;
        public BlockPool ReceivePool { get; } = new(2048);
        public RateGate DownloadGate { get; } = new(TimeProvider.System);
        public RateGate UploadGate { get; } = new(TimeProvider.System);
        public ILinkSecurity? Security { get; init; }
        public PeerLink? Link { get; set; }

        protected SwarmEffects Effects { get; } = new();

        public ValueTask PostAsync(ReadOnlyMemory<SwarmEvent> batch, CancellationToken cancellation)
        {
            if (batch.Span[0].Kind is SwarmEventKind.Message or SwarmEventKind.PeerJoined)
            {
                Handle(batch.Span);
                Link!.Apply(Effects.Span);
                Effects.Clear();
            }

            return ValueTask.CompletedTask;
        }

        protected abstract void Handle(ReadOnlySpan<SwarmEvent> batch);
    }

    private sealed class SendingHost : Host
    {
        private readonly BlockPool _pool = new(2 * Depth);

        public override PeerId PeerId { get; } = new([.. "-SH0000-sender000000"u8]);

        protected override void Handle(ReadOnlySpan<SwarmEvent> batch)
        {
            foreach (ref readonly var item in batch)
            {
                if (item.MessageId == MessageId.Request && _pool.TryRent(out var buffer))
                {
                    buffer.Length = (int)item.Length;
                    Effects.Add(
                        new SwarmEffect(
                            SwarmEffectKind.Send,
                            item.Peer,
                            MessageId.Piece,
                            item.Piece,
                            item.Begin,
                            item.Length,
                            buffer
                        )
                    );
                }
            }
        }
    }

    private sealed class ReceivingHost(long total) : Host
    {
        private long _requested;

        public override PeerId PeerId { get; } = new([.. "-SH0000-receiver0000"u8]);

        public long Received { get; private set; }

        public int Batches { get; private set; }

        protected override void Handle(ReadOnlySpan<SwarmEvent> batch)
        {
            Batches++;
            var wanted = batch[0].Kind == SwarmEventKind.PeerJoined ? Depth : 0;
            foreach (ref readonly var item in batch)
            {
                if (item.Payload is BlockBuffer buffer)
                {
                    Received += buffer.Length;
                    buffer.Release();
                    wanted++;
                }
            }

            for (; wanted > 0 && _requested < total; wanted--)
            {
                var piece = (uint)(_requested >> 20);
                var begin = (uint)_requested & 0xfffff;
                Effects.Add(
                    new SwarmEffect(
                        SwarmEffectKind.Send,
                        batch[0].Peer,
                        MessageId.Request,
                        piece,
                        begin,
                        PieceLayout.BlockSize
                    )
                );
                _requested += PieceLayout.BlockSize;
            }

            if (Received == total)
            {
                Effects.Add(
                    new SwarmEffect(SwarmEffectKind.Disconnect, batch[0].Peer, Piece: (uint)DisconnectReason.NotUseful)
                );
            }
        }
    }
}
