using System.Collections.Concurrent;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The torrents of one engine that are not for everybody. Nobody finds them by their name alone: a caller first shows what
/// only members know, and then finds those of the publication and no others. Safe to use from any thread.
/// </summary>
/// <param name="time">The clock of tags.</param>
internal sealed class SecureTorrents(TimeProvider time)
{
    /// <summary>Tags that were used, in each of two generations; beyond the older are forgotten.</summary>
    private const int MaxUsedTags = 20_000;

    private readonly ConcurrentDictionary<PublicationId, MemberSecurity> _publications = new();
    private readonly ConcurrentDictionary<InfoHash, SslTorrentSecurity> _ssl = new();
    private readonly Lock _lock = new();
    private HashSet<string> _used = [];
    private HashSet<string> _usedBefore = [];

    /// <summary>What the publication's torrents share; made with the first of them.</summary>
    /// <exception cref="InvalidOperationException">The publication is here with another membership.</exception>
    public MemberSecurity Of(PublicationMembership membership)
    {
        var security = _publications.GetOrAdd(
            membership.Publication,
            static (_, arguments) => new MemberSecurity(arguments.membership, arguments.time),
            (membership, time)
        );
        return security.Membership == membership
            ? security
            : throw new InvalidOperationException($"the publication {membership.Publication} is here already");
    }

    /// <summary>An SSL torrent, which is found by its name. False if another one has the name.</summary>
    public bool TryAdd(InfoHash name, SslTorrentSecurity security) => _ssl.TryAdd(name, security);

    /// <summary>Unless the name is another torrent's.</summary>
    public void Remove(InfoHash name, SslTorrentSecurity security) =>
        _ssl.TryRemove(KeyValuePair.Create(name, security));

    /// <summary>Whom a server name means; null: nothing of ours, so that it is as if there were nothing.</summary>
    public ILinkSecurity? Find(string serverName)
    {
        if (InfoHash.TryParseHex(serverName, out var name) && _ssl.TryGetValue(name, out var ssl))
        {
            return ssl;
        }

        if (serverName.Length != PublicationTag.Length)
        {
            return null;
        }

        foreach (var security in _publications.Values)
        {
            // A tag is good once: who saw it on the way and calls with it himself finds nothing.
            if (security.HasTorrents && security.Membership.IsTag(serverName, time.GetUtcNow()))
            {
                return TryUse(serverName) ? security : null;
            }
        }

        return null;
    }

    private bool TryUse(string tag)
    {
        lock (_lock)
        {
            if (_usedBefore.Contains(tag) || !_used.Add(tag))
            {
                return false;
            }

            if (_used.Count >= MaxUsedTags)
            {
                (_usedBefore, _used) = (_used, []);
            }

            return true;
        }
    }
}
