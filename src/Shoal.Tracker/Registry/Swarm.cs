using System.Net;
using Shoal.Protocol;

namespace Shoal.Tracker;

/// <summary>The peers of one infohash.</summary>
internal sealed class Swarm(InfoHash infoHash)
{
    // IPv6: one household has a /64, so that counts as one address.
    private const int AddressKeyV6 = 8;
    private const int AddressKeyV4 = 4;

    private PeerTable? _v4;
    private PeerTable? _v6;

    public InfoHash InfoHash { get; } = infoHash;

    /// <summary>Where the registry's list has it.</summary>
    public int Position { get; set; }

    public int Completed { get; set; }

    public int Count => (_v4?.Count ?? 0) + (_v6?.Count ?? 0);

    public int Seeds => (_v4?.Seeds ?? 0) + (_v6?.Seeds ?? 0);

    public int Downloaders => (_v4?.Downloaders ?? 0) + (_v6?.Downloaders ?? 0);

    public ScrapeCounts Scrape => new(Seeds, Completed, Count - Seeds, Downloaders);

    public PeerTable? Existing(bool isV6) => isV6 ? _v6 : _v4;

    public PeerTable Table(bool isV6) =>
        isV6
            ? _v6 ??= new PeerTable(CompactPeers.SizeV6, AddressKeyV6)
            : _v4 ??= new PeerTable(CompactPeers.SizeV4, AddressKeyV4);

    /// <summary>Removes who was not heard of since the given second, and says how many.</summary>
    public int Expire(uint since) => RemoveWhere((table, entry) => table.LastHeard(entry) < since);

    /// <summary>Removes who is in the filter, and says how many.</summary>
    public int Remove(IpFilter filter) =>
        RemoveWhere((table, entry) => filter.Contains(new IPAddress(table.EndPoint(entry)[..^2])));

    private int RemoveWhere(Func<PeerTable, int, bool> isGone)
    {
        var before = Count;
        RemoveWhere(ref _v4, isGone);
        RemoveWhere(ref _v6, isGone);
        return before - Count;
    }

    private static void RemoveWhere(ref PeerTable? table, Func<PeerTable, int, bool> isGone)
    {
        // From the end: what fills the hole of a removed entry has been looked at. A downloader's hole is filled
        // by the last downloader, and that one's by the last entry.
        for (var entry = (table?.Count ?? 0) - 1; entry >= 0; entry--)
        {
            if (isGone(table!, entry))
            {
                table!.Remove(entry);
            }
        }

        if (table is { Count: 0 })
        {
            table = null;
        }
    }
}
