using System.Collections.Concurrent;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The torrents of one engine by their names on the wire, and by the aliases that encrypted handshakes name them by. Each
/// look is one look into a table, whatever is asked for. Safe to use from any thread.
/// </summary>
internal sealed class TorrentTable
{
    private readonly ConcurrentDictionary<InfoHash, TorrentRunner> _byName = new();
    private readonly ConcurrentDictionary<Sha1Digest, InfoHash> _byAlias = new();

    public TorrentRunner? Find(InfoHash name) => _byName.GetValueOrDefault(name);

    /// <summary>The name that the alias stands for; null: none of ours.</summary>
    public InfoHash? FindAlias(Sha1Digest alias) => _byAlias.TryGetValue(alias, out var name) ? name : null;

    /// <summary>False if another torrent has the name.</summary>
    public bool TryAdd(InfoHash name, TorrentRunner runner)
    {
        if (!_byName.TryAdd(name, runner))
        {
            return false;
        }

        _byAlias[MseAnswerer.Alias(name)] = name;
        return true;
    }

    /// <summary>Unless the name is another torrent's.</summary>
    public void Remove(InfoHash name, TorrentRunner runner)
    {
        if (_byName.TryRemove(KeyValuePair.Create(name, runner)))
        {
            _byAlias.TryRemove(MseAnswerer.Alias(name), out _);
        }
    }
}
