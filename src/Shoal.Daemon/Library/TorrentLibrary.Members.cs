using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

// Torrents that only members of a publication may hear of. The engine gets them with the membership or not at all.
internal sealed partial class TorrentLibrary
{
    private volatile bool _hasBegun;

    /// <summary>How many torrents of a publication there are.</summary>
    public int CountOf(string publication)
    {
        lock (_lock)
        {
            return _order.Count(torrent => torrent.Entry.Publication == publication);
        }
    }

    /// <summary>We are no member any more: its torrents are dropped at once, and say why. What was fetched stays.</summary>
    public void EndMembership(string publication, string why)
    {
        foreach (var torrent in Of(publication))
        {
            // What its chain of work is at may take long.
            torrent.Engine?.Pause();
            Do(
                torrent,
                async () =>
                {
                    if (torrent.Engine is { } engine)
                    {
                        lock (_lock)
                        {
                            torrent.Engine = null;
                        }

                        await LetGoAsync(torrent.Entry, engine, deleteData: false).ConfigureAwait(false);
                    }

                    throw new IOException(why);
                }
            );
        }
    }

    /// <summary>The membership was given up: its torrents are dropped at once, and wait paused or leave the list. Content stays.</summary>
    /// <exception cref="ApiException">It was done, and could not be saved.</exception>
    public async Task LeaveMembershipAsync(string publication, string why, bool removes)
    {
        if (removes)
        {
            await Task.WhenAll(Of(publication).Select(torrent => RemoveAsync(torrent, deleteData: false)))
                .ConfigureAwait(false);
            return;
        }

        Task saved;
        lock (_lock)
        {
            // Who becomes a member again decides anew what goes on.
            saved = Task.WhenAll(
                Of(publication).ConvertAll(torrent => Keep(torrent, torrent.Entry with { Paused = true }))
            );
        }

        EndMembership(publication, why);
        await SavedAsync(saved).ConfigureAwait(false);
    }

    /// <summary>We are a member (again): what could not be opened is.</summary>
    public void ReopenMembership(string publication)
    {
        if (!_hasBegun)
        {
            return;
        }

        foreach (var torrent in Of(publication))
        {
            Do(torrent, () => OpenAsync(torrent, null));
        }
    }

    private List<LibraryTorrent> Of(string publication)
    {
        lock (_lock)
        {
            return _order.FindAll(torrent => torrent.Entry.Publication == publication);
        }
    }

    /// <summary>Members of the engine's torrent say that we are none any more.</summary>
    private void HearRevoked(Torrent engine)
    {
        string? publication;
        lock (_lock)
        {
            publication = Find(engine)?.Entry.Publication;
        }

        if (publication is not null)
        {
            _members.HeardRevoked(publication);
        }
    }

    /// <exception cref="IOException">It cannot be opened now; the message says why.</exception>
    private async Task<Torrent> AddToEngineAsync(LibraryEntry entry, Metainfo? metainfo, bool isQueued)
    {
        var options = OptionsOf(entry, isQueued);
        if (entry.Publication is { } publication)
        {
            // First: without it nothing of the torrent may be told to anybody.
            var membership = await Task.Run(() => _members.Find(publication)).ConfigureAwait(false);
            options = options with { Membership = membership, NamedPeers = _members.PeersOf(publication) };
            var mine =
                metainfo is not null || _files.Has(entry)
                    ? await _engine
                        .AddAsync(metainfo ?? _files.Load(entry), options, _stopping.Token)
                        .ConfigureAwait(false)
                    : await _engine
                        .AddAsync(new MagnetLink { InfoHashes = entry.InfoHashes }, options, _stopping.Token)
                        .ConfigureAwait(false);
            _members.Opened(publication, mine);
            return mine;
        }

        if (entry.Magnet is not { } link)
        {
            return await _engine
                .AddAsync(metainfo ?? _files.Load(entry), options, _stopping.Token)
                .ConfigureAwait(false);
        }

        return MagnetLink.TryParse(link, out var magnet, out var error)
            ? await _engine.AddAsync(magnet, options, _stopping.Token).ConfigureAwait(false)
            : throw new IOException($"its link in the state folder is broken: {error}");
    }

    /// <summary>The engine has it no more.</summary>
    /// <exception cref="IOException">Not all files could be deleted.</exception>
    private async Task LetGoAsync(LibraryEntry entry, Torrent engine, bool deleteData)
    {
        if (entry.Publication is { } publication)
        {
            await _members.ClosingAsync(publication, engine).ConfigureAwait(false);
        }

        await _engine.RemoveAsync(engine, deleteData).ConfigureAwait(false);
    }
}
