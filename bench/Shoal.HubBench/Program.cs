using System.Security.Cryptography;
using Shoal.Hub;
using Shoal.HubBench;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

// What a hub costs, or several with one database: invitations by one request, members that join, and members that announce once a
// minute and, if wanted, give receipts every ten, each time over a TLS connection of its own as real ones do. Hubs and database are
// processes of their own; their processor time and memory are read from the system. See bench/README.md.
if (BenchOptions.Read(args) is not { } options)
{
    Console.Error.WriteLine(BenchOptions.Usage);
    return 2;
}

await using var site = await HubSite.StartAsync(options);
using var client = site.ClientAt(0);
var admin = site.Admin;
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
await UntilAllKnowAsync();

var links = Enumerable
    .Range(0, options.Members)
    .Select(_ => new InvitationLink(
        admin.Hub.Host,
        admin.Hub.Port,
        admin.Publication,
        new InvitationId(RandomNumberGenerator.GetBytes(InvitationId.Size)),
        new InvitationSecret(RandomNumberGenerator.GetBytes(InvitationSecret.Size))
    ))
    .ToList();
var expires = DateTimeOffset.UtcNow.AddDays(1).ToUnixTimeSeconds();
await site.MeasureAsync(
    $"{options.Members} invitations in one request",
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

var members = new BenchMember[options.Members];
var joins = new Latencies("joins");
await site.MeasureAsync(
    $"{options.Members} members join, 16 at once",
    () =>
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var many = new ParallelOptions { MaxDegreeOfParallelism = 16 };
        return Parallel.ForAsync(
            0,
            options.Members,
            many,
            async (at, cancel) => await joins.MeasureAsync(clock, clock.Elapsed, () => JoinAsync(at, cancel))
        );
    }
);
joins.Print();

var query = string.Concat(torrent.Metainfo.InfoHashes.Primary.ToArray().Select(b => $"%{b:x2}"));
var length = TimeSpan.FromSeconds(options.Seconds);
var failures = joins.Failures;
if (options is { Pairs: > 0, Receipts: { } kind })
{
    var (without, with, given) = (TimeSpan.Zero, TimeSpan.Zero, 0);
    for (var pair = 0; pair < options.Pairs; pair++)
    {
        without += (await AnnounceAsync(null)).Used;
        var (used, count) = await AnnounceAsync(kind);
        (with, given) = (with + used, given + count);
    }

    var added = with - without;
    Console.WriteLine(
        string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"receipts add {added.TotalSeconds:F1} s of processor time to {without.TotalSeconds:F1} s ({added / without:P1}): {given} receipts, {added.TotalMilliseconds / given:F2} ms each"
        )
    );
}
else
{
    await AnnounceAsync(options.Receipts);
}

await ShowFiguresAsync();
return failures == 0 ? 0 : 1;

// Returns the processor time of hubs and database, and how many receipts were given.
async Task<(TimeSpan Used, int Receipts)> AnnounceAsync(ReceiptRetention? kept)
{
    var announces = new Latencies("announces");
    var receipts = new Latencies("receipts");
    var also = kept is { } word ? $" and give receipts every ten ({RetentionNames.Of(word)})" : "";
    var used = await site.MeasureAsync(
        $"{options.Members} members announce once a minute{also}, for {options.Seconds} s",
        () =>
            Task.WhenAll(
                announces.PaceAsync(
                    options.Members / 60.0,
                    length,
                    number => members[number % members.Length].AnnounceAsync(query)
                ),
                kept is { } kind
                    ? receipts.PaceAsync(
                        options.Members / CustodyLimits.ReceiptInterval.TotalSeconds,
                        length,
                        number => GiveReceiptAsync((int)(number % members.Length), kind)
                    )
                    : Task.CompletedTask
            )
    );
    announces.Print();
    receipts.Print();
    failures += announces.Failures + receipts.Failures;
    return (used, receipts.Count);
}

async Task<bool> JoinAsync(int at, CancellationToken cancel)
{
    var hub = site.Addresses[at % site.Addresses.Count];
    using var anonymous = HubClient.Anonymous(hub, admin.Authority, HubSite.Connect, TimeProvider.System);
    var identity = MemberIdentity.Create();
    var answer = await anonymous.JoinAsync(links[at], identity.CreateRequest(), cancel);
    var isNamed = MemberId.TryParse(answer.Member, out var id);
    members[at] = new BenchMember(identity, answer.Certificate, id, hub, 10_000 + at);
    return isNamed;
}

// From fifty others, or as many as there are: a member is connected to so many.
Task<bool> GiveReceiptAsync(int at, ReceiptRetention kept)
{
    var count = Math.Min(50, members.Length - 1);
    var senders = Enumerable
        .Range(at + 1, count)
        .Select(next => new ReceivedShare(members[next % members.Length].Id, fields.Size / count))
        .OrderBy(share => share.Sender)
        .ToList();
    return members[at].GiveReceiptAsync(ReceiptContent.Of(fields), senders, kept);
}

// A hub looks every five seconds what others have taken into the catalogue.
async Task UntilAllKnowAsync()
{
    for (var at = 1; at < options.Hubs; at++)
    {
        using var other = site.ClientAt(at);
        while ((await other.ListCatalogueAsync(default)).Entries.Count == 0)
        {
            await Task.Delay(200);
        }
    }
}

// All of them know the same, or what was measured is worth nothing.
async Task ShowFiguresAsync()
{
    for (var at = 0; at < options.Hubs; at++)
    {
        using var one = site.ClientAt(at);
        var known = await one.ReadCustodyAsync(fields.Id, fields.Version, default);
        Console.WriteLine(
            $"hub {at + 1} knows {known.OnlineComplete + known.OnlineIncomplete} members online and {known.Receivers} receipts"
        );
    }
}
