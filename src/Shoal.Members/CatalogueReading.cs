using System.Security.Cryptography;
using Shoal.Hub;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Members;

/// <summary>An entry that was checked: its publisher is one, and signed it.</summary>
/// <param name="Kept">It was kept here, and the hub is away: its torrent, not checked yet; empty: it has none. Null: the hub told.</param>
public sealed record KnownEntry(CatalogueEntry Entry, CatalogueItem Item, ReadOnlyMemory<byte>? Kept = null)
{
    public CatalogueFields Fields => Entry.Fields;
}

/// <summary>What is asked of the catalogue is not in it, or not as it was signed.</summary>
/// <param name="code">Stable, kebab-case.</param>
/// <param name="message">One line for a person.</param>
public sealed class CatalogueException(string code, string message) : Exception(message)
{
    public string Code { get; } = code;
}

/// <summary>Reads the catalogue of a hub and believes only what is signed.</summary>
public static class CatalogueReading
{
    /// <summary>How long a hub may take to answer where we can go on without it.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    /// <summary>The newest first; the hub's entries that are not good are left out.</summary>
    public static async Task<IReadOnlyList<KnownEntry>> ListAsync(
        HubClient hub,
        LocalMembership membership,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(hub);
        ArgumentNullException.ThrowIfNull(membership);
        var verifier = new MembershipVerifier(membership.Authority);
        var answer = await hub.ListCatalogueAsync(cancel).ConfigureAwait(false);
        var known = new List<KnownEntry>();
        foreach (var item in answer.Entries)
        {
            if (CatalogueEntry.TryRead(item.Entry, verifier, membership.Revocations, out var entry, out _))
            {
                known.Add(new KnownEntry(entry, item));
            }
        }

        return known;
    }

    /// <summary>
    /// What the hub tells or, while it is away, what an invitation brought along or was fetched before. <paramref name="away"/> hears
    /// why the hub was not asked.
    /// </summary>
    public static async Task<IReadOnlyList<KnownEntry>> ListOrKeptAsync(
        HubClient hub,
        LocalMembership membership,
        Action<string> away,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(membership);
        ArgumentNullException.ThrowIfNull(away);
        if (membership.ReadContent() is not { } content)
        {
            return await ListAsync(hub, membership, cancel).ConfigureAwait(false);
        }

        try
        {
            using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            soon.CancelAfter(Soon);
            return await ListAsync(hub, membership, soon.Token).ConfigureAwait(false);
        }
        catch (HubException error) when (error.IsTemporary || error.Code == "hub-not-trusted")
        {
            away(error.Message);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            away($"{membership.Hub}: no answer");
        }

        return Kept(content, membership);
    }

    /// <summary>What is kept here; entries that are not good are left out.</summary>
    public static IReadOnlyList<KnownEntry> Kept(OfflineContent content, LocalMembership membership)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(membership);
        var verifier = new MembershipVerifier(membership.Authority);
        var known = new List<KnownEntry>();
        foreach (var one in content.Entries)
        {
            if (CatalogueEntry.TryRead(one.Entry.Span, verifier, membership.Revocations, out var entry, out _))
            {
                var item = new CatalogueItem(one.Entry.ToArray(), entry.Fields.SignedAt.ToUnixTimeSeconds(), 0, 0);
                known.Add(new KnownEntry(entry, item, one.Torrent));
            }
        }

        return known;
    }

    /// <summary>Only the newest version of each.</summary>
    public static IReadOnlyList<KnownEntry> Newest(IReadOnlyList<KnownEntry> entries) =>
        [.. entries.GroupBy(one => one.Fields.Id).Select(all => all.MaxBy(one => one.Fields.Version)!)];

    /// <summary>The one that is meant by an id, the beginning of one, or a title.</summary>
    /// <exception cref="CatalogueException">None is, or several are.</exception>
    public static KnownEntry Choose(IReadOnlyList<KnownEntry> entries, string wanted)
    {
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentNullException.ThrowIfNull(wanted);
        var found = entries
            .Where(one =>
                string.Equals(one.Fields.Title, wanted, StringComparison.OrdinalIgnoreCase)
                || (
                    wanted.Length >= 4
                    && one.Fields.Id.ToString().StartsWith(wanted, StringComparison.OrdinalIgnoreCase)
                )
            )
            .ToList();
        return found.Count switch
        {
            1 => found[0],
            0 => throw new CatalogueException(
                "entry-unknown",
                $"the catalogue has nothing called '{wanted}'; 'shoal catalogue' lists what there is"
            ),
            _ => throw new CatalogueException(
                "entry-ambiguous",
                $"'{wanted}' is the title of {found.Count} entries: give the id instead"
            ),
        };
    }

    /// <summary>The torrent of an entry, checked against it.</summary>
    /// <exception cref="CatalogueException">The hub's is another one.</exception>
    public static async Task<MemberTorrent> ReadTorrentAsync(HubClient hub, KnownEntry entry, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(hub);
        ArgumentNullException.ThrowIfNull(entry);
        var fields = entry.Fields;
        if (entry.Kept is { IsEmpty: true })
        {
            return new MemberTorrent(fields.InfoHashes, null, default);
        }

        var torrent = entry.Kept ?? await hub.ReadTorrentAsync(fields.Id, fields.Version, cancel).ConfigureAwait(false);
        return
            new Sha256Digest(SHA256.HashData(torrent.Span)).Equals(fields.Torrent)
            && MetainfoReader.TryRead(torrent, MetainfoLimits.Default, out var metainfo, out _)
            && metainfo.InfoHashes == fields.InfoHashes
            ? new MemberTorrent(fields.InfoHashes, metainfo, torrent)
            : throw new CatalogueException(
                "bad-torrent",
                $"the torrent of '{fields.Title}' is not the one that its publisher signed"
            );
    }
}
