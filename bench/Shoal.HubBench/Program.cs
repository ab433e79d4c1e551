using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using Shoal.Hub;
using Shoal.HubBench;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

// What a hub costs: invitations by one request, members that join, and members that announce once a minute, each with a
// TLS connection of its own as real ones have. The hub is a process of its own; its processor time and memory are read
// from the system.
//   Shoal.HubBench [MEMBERS] [SECONDS]
var members = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 10_000;
var seconds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 120;
var state = Directory.CreateTempSubdirectory("shoal-hub-bench-").FullName;
using var hub = HubProcess.Start(Path.Combine(AppContext.BaseDirectory, "shoal"), state);
try
{
    var address = hub.Address;
    using var admin = LocalMembership.Load(LocalMembership.FoldersIn(state).Single());
    HubConnect connect = async (host, port, cancel) =>
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(host, port, cancel);
        return new NetworkStream(socket, ownsSocket: true);
    };
    using var client = HubClient.Of(admin, connect, TimeProvider.System);

    var torrent = new TorrentBuilder(TorrentFormat.Hybrid).Single(50_000).Build();
    var fields = new CatalogueFields
    {
        Publication = admin.Publication,
        Id = new EntryId(1),
        Version = 1,
        Title = "bench",
        Size = torrent.Metainfo.Size,
        InfoHashes = torrent.Metainfo.InfoHashes,
        Torrent = new Sha256Digest(SHA256.HashData(torrent.TorrentBytes)),
        SignedAt = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds()),
    };
    var entry = CatalogueEntry.Sign(fields, admin.Identity, admin.Certificate.Span);
    await client.PublishAsync(new PublishRequest(entry, torrent.TorrentBytes), default);

    var links = Enumerable
        .Range(0, members)
        .Select(_ => new InvitationLink(
            address.Host,
            address.Port,
            admin.Publication,
            new InvitationId(RandomNumberGenerator.GetBytes(InvitationId.Size)),
            new InvitationSecret(RandomNumberGenerator.GetBytes(InvitationSecret.Size))
        ))
        .ToList();
    var expires = DateTimeOffset.UtcNow.AddDays(1).ToUnixTimeSeconds();
    await hub.MeasureAsync(
        $"{members} invitations in one request",
        () =>
            client.CreateInvitationsAsync(
                new NewInvitations([
                    .. links.Select(link => new NewInvitation(
                        link.Invitation.ToString(),
                        link.Secret.Hash(link.Publication, link.Invitation),
                        "somebody",
                        "member",
                        expires,
                        1,
                        null,
                        null
                    )),
                ]),
                default
            )
    );

    var joined = new BenchMember[members];
    await hub.MeasureAsync(
        $"{members} members join",
        () =>
            Parallel.ForAsync(
                0,
                members,
                new ParallelOptions { MaxDegreeOfParallelism = 16 },
                async (at, cancel) =>
                {
                    using var anonymous = HubClient.Anonymous(address, admin.Authority, connect, TimeProvider.System);
                    using var identity = MemberIdentity.Create();
                    var answer = await anonymous.JoinAsync(links[at], identity.CreateRequest(), cancel);
                    joined[at] = new BenchMember(identity.WithCertificate(answer.Certificate), address);
                }
            )
    );

    var latencies = new List<double>();
    var failures = 0;
    var query = string.Concat(torrent.Metainfo.InfoHashes.Primary.ToArray().Select(b => $"%{b:x2}"));
    await hub.MeasureAsync(
        $"{members} members announce once a minute, for {seconds} s",
        async () =>
        {
            var clock = Stopwatch.StartNew();
            var running = new List<Task>();
            for (long sent = 0; clock.Elapsed.TotalSeconds < seconds; sent++)
            {
                var due = TimeSpan.FromMinutes((double)sent / members);
                if (due > clock.Elapsed)
                {
                    await Task.Delay(due - clock.Elapsed);
                }

                running.Add(AnnounceAsync(joined[sent % members], (int)(sent % members), due, clock));
            }

            await Task.WhenAll(running);
        }
    );

    async Task AnnounceAsync(BenchMember member, int at, TimeSpan due, Stopwatch clock)
    {
        // From when it was due: a client that waits for its turn here waits for the hub too.
        var isGood = await member.AnnounceAsync(query, 10_000 + at % 50_000);
        lock (latencies)
        {
            latencies.Add((clock.Elapsed - due).TotalMilliseconds);
            failures += isGood ? 0 : 1;
        }
    }

    latencies.Sort();
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"announces: {latencies.Count}, failed {failures}; p50 {latencies[latencies.Count / 2]:F1} ms, "
                + $"p99 {latencies[latencies.Count * 99 / 100]:F1} ms, worst {latencies[^1]:F0} ms"
        )
    );
    return failures == 0 ? 0 : 1;
}
finally
{
    hub.Stop();
    Directory.Delete(state, recursive: true);
}
