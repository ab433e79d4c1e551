using System.Buffers;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Hub;

/// <summary>What is published, and where members find each other.</summary>
internal sealed class CatalogueEndpoints(
    Gate gate,
    IHubStore store,
    CatalogueBook catalogue,
    MembershipVerifier verifier,
    RevocationBook revocations,
    MemberTracker tracker,
    HubOptions options
)
{
    /// <summary>As many as an announce is answered with.</summary>
    private const int MaxPeers = 50;

    /// <summary>Bytes of a request of many announces: what one may have in a URL, times so many, is far less.</summary>
    private const int MaxAnnounces = HubLimits.AnnouncesTogether * 1024;

    private static readonly TimeSpan MaxSkew = TimeSpan.FromHours(25);

    private readonly Lock _lock = new();
    private readonly MemberRates _announces = new(options.Limits.AnnouncesPerMember, TimeSpan.FromMinutes(1));

    public Task ListAsync(HttpContext context)
    {
        gate.Enter(context, MemberRole.Member);
        var items = catalogue.Lines.Select(line =>
        {
            var (complete, incomplete) = tracker.Count(line.Entry.Fields.InfoHashes);
            return new CatalogueItem(line.Row.Entry, line.Row.Published.ToUnixTimeSeconds(), complete, incomplete);
        });
        return Gate.WriteAsync(context, new CatalogueAnswer([.. items]), HubJson.Default.CatalogueAnswer);
    }

    public async Task PublishAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Publisher);
        // Base64 makes three bytes four.
        var longest = options.Limits.TorrentLength / 3 * 4 + 4 * options.Limits.RequestLength;
        var request = await Gate.ReadAsync(context, HubJson.Default.PublishRequest, longest).ConfigureAwait(false);
        var fields = ReadEntry(request, caller);
        CheckTorrent(request.Torrent, fields);
        if (catalogue.Lines.Count >= options.Limits.CatalogueEntries)
        {
            throw new RefusedException(507, "catalogue-full", "the catalogue is full: withdraw old versions");
        }

        var publisher = await store.FindMemberAsync(caller.Member, context.RequestAborted).ConfigureAwait(false);
        var row = new CatalogueRow(
            fields.Id,
            fields.Version,
            caller.Member,
            fields.Size,
            options.Time.GetUtcNow(),
            request.Entry,
            request.Torrent
        );
        var quota = publisher?.Quota.PublishBytes;
        switch (await store.PublishAsync(row, quota, context.RequestAborted).ConfigureAwait(false))
        {
            case CatalogueOutcome.VersionTaken
                when !await IsSameAsync(row, context.RequestAborted).ConfigureAwait(false):
                throw new RefusedException(409, "version-taken", "this version or a later one is in the catalogue");
            case CatalogueOutcome.NotYours:
                throw new RefusedException(403, "not-yours", "another publisher has that entry");
            case CatalogueOutcome.QuotaExceeded:
                throw new RefusedException(
                    403,
                    "quota-exceeded",
                    string.Create(CultureInfo.InvariantCulture, $"you may publish {quota} bytes in all")
                );
        }

        await catalogue.RefreshAsync(CancellationToken.None).ConfigureAwait(false);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public async Task TorrentAsync(HttpContext context)
    {
        gate.Enter(context, MemberRole.Member);
        var (id, version) = ReadName(context);
        // A revoked publisher's entry is not in the book, and so neither is its torrent.
        var torrent = catalogue.Lines.Any(line => line.Row.Id == id && line.Row.Version == version)
            ? await store.ReadTorrentAsync(id, version, context.RequestAborted).ConfigureAwait(false)
            : null;
        if (torrent is null)
        {
            throw NoEntry();
        }

        context.Response.ContentType = "application/x-bittorrent";
        context.Response.ContentLength = torrent.Length;
        await context.Response.Body.WriteAsync(torrent, context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Where those are that take part, for files that work without a hub: what announcing would tell as well.</summary>
    public Task PeersAsync(HttpContext context)
    {
        gate.Enter(context, MemberRole.Administrator);
        var (id, version) = ReadName(context);
        var line =
            catalogue.Lines.FirstOrDefault(line => line.Row.Id == id && line.Row.Version == version) ?? throw NoEntry();
        var peers = tracker.Find(line.Entry.Fields.InfoHashes, MaxPeers);
        return Gate.WriteAsync(
            context,
            new PeersAnswer([.. peers.Select(peer => peer.ToString())]),
            HubJson.Default.PeersAnswer
        );
    }

    /// <summary>By its publisher or an administrator.</summary>
    public async Task WithdrawAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Publisher);
        var (id, version) = ReadName(context);
        var rows = await store.ListCatalogueAsync(context.RequestAborted).ConfigureAwait(false);
        var row = rows.FirstOrDefault(row => row.Id == id && row.Version == version) ?? throw NoEntry();
        if (row.Publisher != caller.Member && caller.Role < MemberRole.Administrator)
        {
            throw new RefusedException(403, "not-yours", "another publisher has that entry");
        }

        await store.WithdrawAsync(id, version, context.RequestAborted).ConfigureAwait(false);
        await catalogue.RefreshAsync(CancellationToken.None).ConfigureAwait(false);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>An announce as trackers know it (BEP 3, 7, 23), by a member, for the address that it comes from.</summary>
    public async Task AnnounceAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Member);
        CountAnnounces(caller.Member, 1);
        var query = context.Request.QueryString.Value;
        var answer = Announce(context, caller.Member, query is { Length: > 1 } ? query.AsSpan(1) : default);
        context.Response.ContentType = "text/plain";
        context.Response.ContentLength = answer.WrittenCount;
        await context.Response.Body.WriteAsync(answer.WrittenMemory, context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Many of them: each is taken and answered as it would be alone.</summary>
    public async Task AnnounceManyAsync(HttpContext context)
    {
        var caller = gate.Enter(context, MemberRole.Member);
        var request = await Gate.ReadAsync(context, HubJson.Default.AnnouncesRequest, MaxAnnounces)
            .ConfigureAwait(false);
        if (request.Queries.Count is 0 or > HubLimits.AnnouncesTogether)
        {
            throw new RefusedException(
                400,
                "bad-request",
                $"one request has 1 to {HubLimits.AnnouncesTogether} announces"
            );
        }

        CheckOnce(request.Queries);
        CountAnnounces(caller.Member, request.Queries.Count);
        var answers = request.Queries.Select(query => Announce(context, caller.Member, query).WrittenSpan.ToArray());
        await Gate.WriteAsync(context, new AnnouncesAnswer([.. answers]), HubJson.Default.AnnouncesAnswer)
            .ConfigureAwait(false);
    }

    /// <summary>
    /// Each answer names others: whoever asks often for one swarm needs as many requests as ever to learn who is in it. Twice, since
    /// an old port is taken off the list first.
    /// </summary>
    private static void CheckOnce(IEnumerable<string> queries)
    {
        var often = queries
            .Select(query =>
                AnnounceQuery.TryRead(query, out var read) == AnnounceQueryFault.None ? read.InfoHash : default
            )
            .GroupBy(infoHash => infoHash)
            .Any(same => same.Key != default && same.Count() > 2);
        if (often)
        {
            throw new RefusedException(400, "bad-request", "one request announces a torrent twice at most");
        }
    }

    private ArrayBufferWriter<byte> Announce(HttpContext context, MemberId member, ReadOnlySpan<char> query)
    {
        var output = new ArrayBufferWriter<byte>(512);
        tracker.Announce(
            member,
            query,
            Gate.RemoteOf(context),
            context.Connection.LocalIpAddress ?? IPAddress.None,
            output
        );
        return output;
    }

    private void CountAnnounces(MemberId member, int count)
    {
        lock (_lock)
        {
            if (!_announces.TryTake(member, gate.Now, count))
            {
                throw new RefusedException(429, "too-many-requests", "this member announces too often")
                {
                    RetryAfter = TimeSpan.FromSeconds(20),
                };
            }
        }
    }

    private CatalogueFields ReadEntry(PublishRequest request, Caller caller)
    {
        if (!CatalogueEntry.TryRead(request.Entry, verifier, revocations.Current, out var entry, out var fault))
        {
            throw new RefusedException(400, "bad-entry", $"the entry is not good ({fault})");
        }

        // Who brings an entry is who signed it: nobody publishes in another's name, not even with an entry of his.
        if (entry.Publisher != caller.Member)
        {
            throw new RefusedException(403, "not-yours", "another publisher has signed that entry");
        }

        return (entry.Fields.SignedAt - options.Time.GetUtcNow()).Duration() <= MaxSkew
            ? entry.Fields
            : throw new RefusedException(
                400,
                "bad-entry",
                "the entry was not signed today: does this machine's clock go right?"
            );
    }

    private void CheckTorrent(byte[] torrent, CatalogueFields fields)
    {
        if (torrent.Length > options.Limits.TorrentLength)
        {
            throw new RefusedException(413, "too-large", "the .torrent is larger than one may be");
        }

        if (
            !new Sha256Digest(SHA256.HashData(torrent)).Equals(fields.Torrent)
            || !MetainfoReader.TryRead(torrent, MetainfoLimits.Default, out var metainfo, out _)
            || metainfo.InfoHashes != fields.InfoHashes
            || metainfo.Size != fields.Size
        )
        {
            throw new RefusedException(400, "bad-torrent", "the .torrent is not the one that the entry names");
        }
    }

    private async Task<bool> IsSameAsync(CatalogueRow row, CancellationToken cancellation) =>
        (await store.ListCatalogueAsync(cancellation).ConfigureAwait(false)).Any(there =>
            there.Id == row.Id && there.Version == row.Version && there.Entry.AsSpan().SequenceEqual(row.Entry)
        );

    private static (EntryId Id, long Version) ReadName(HttpContext context) =>
        ReadName(context.Request.RouteValues["id"] as string, context.Request.RouteValues["version"] as string);

    /// <summary>Of an entry, as paths and queries have it.</summary>
    internal static (EntryId Id, long Version) ReadName(string? entry, string? number) =>
        EntryId.TryParse(entry, out var id)
        && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? (id, version)
            : throw NoEntry();

    internal static RefusedException NoEntry() => new(404, "entry-unknown", "there is no such entry in the catalogue");
}
