using Shoal.Files;
using Shoal.Membership;

namespace Shoal.Hub;

// What is kept of the catalogue for when no hub can be asked.
public sealed partial class LocalMembership
{
    /// <summary>
    /// Keeps what was fetched or published, so that it goes on when the hub is away; the oldest gives way when there is no room.
    /// </summary>
    /// <exception cref="LocalMembershipException">It cannot be written.</exception>
    public void Keep(OfflineEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        var known = ReadContent() ?? new OfflineContent();
        var entries = known
            .Entries.Where(one => !one.Entry.Span.SequenceEqual(entry.Entry.Span))
            .Append(entry)
            .ToList();
        while (
            entries.Count > OfflineContent.MaxEntries
            || entries.Sum(one => (long)one.Entry.Length + one.Torrent.Length + 100) > OfflineContent.MaxLength / 2
        )
        {
            entries.RemoveAt(0);
        }

        var content = new OfflineContent { Entries = entries, Peers = known.Peers };
        Guarded(Folder, () => Write(ContentFile, content.Write()));
    }

    /// <summary>Keeps what the file of another invitation names, beside what is known.</summary>
    /// <exception cref="LocalMembershipException">It cannot be written.</exception>
    public void Keep(OfflineContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        var known = ReadContent() ?? new OfflineContent();
        var peers = content.Peers.Concat(known.Peers).Distinct().Take(OfflineContent.MaxPeers);
        var all = new OfflineContent { Entries = known.Entries, Peers = [.. peers] };
        Guarded(Folder, () => Write(ContentFile, all.Write()));
        foreach (var entry in content.Entries)
        {
            Keep(entry);
        }
    }

    /// <summary>What is kept of what can be fetched, and from whom; null: nothing.</summary>
    public OfflineContent? ReadContent() =>
        Guarded(
            Folder,
            () =>
            {
                var file = Path.Combine(Folder, ContentFile);
                return
                    File.Exists(file)
                    && OfflineContent.TryRead(PrivateFiles.Read(file, OfflineContent.MaxLength), out var content)
                    ? content
                    : null;
            }
        );
}
