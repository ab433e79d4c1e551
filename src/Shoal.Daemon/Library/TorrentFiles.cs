using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>
/// The .torrent files of the library, each named by its torrent's id. Those that only members of a publication may hear of have
/// another ending, so that no version opens them as if they were for everybody.
/// </summary>
internal sealed class TorrentFiles(string folder) : IDisposable
{
    /// <summary>
    /// Files that are written at once. Each holds a thread of the pool until the disk has it: more of them, and everything
    /// else would wait for threads. Default 4.
    /// </summary>
    private const int MaxWriters = 4;

    private readonly SemaphoreSlim _writers = new(MaxWriters, MaxWriters);

    /// <summary>Durable when it returns; several at once share what is synced once for all.</summary>
    /// <exception cref="IOException">Not all were saved.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public async Task SaveAsync(IReadOnlyList<TorrentFileToSave> files)
    {
        // In as many parts as may be written at once: what comes together the system syncs together.
        var parts = files.Chunk((files.Count + MaxWriters - 1) / MaxWriters);
        await Task.WhenAll(parts.Select(SavePartAsync)).ConfigureAwait(false);
    }

    private async Task SavePartAsync(TorrentFileToSave[] files)
    {
        await _writers.WaitAsync().ConfigureAwait(false);
        try
        {
            await Task.Run(() => AtomicFile.WriteAll(folder, files.Select(file => (NameOf(file), file.Bytes))))
                .ConfigureAwait(false);
        }
        finally
        {
            _writers.Release();
        }
    }

    public void Dispose() => _writers.Dispose();

    /// <summary>The torrent, proven by its id.</summary>
    /// <exception cref="IOException">It is not there, or is not that torrent; the message says so.</exception>
    public Metainfo Load(LibraryEntry entry)
    {
        var id = entry.Id;
        var bytes = Read(entry);
        if (!MetainfoReader.TryRead(bytes, MetainfoLimits.Default, out var metainfo, out var error))
        {
            throw new IOException($"its .torrent in the state folder is broken: {error.Message}");
        }

        return metainfo.InfoHashes.V1?.ToString() == id || metainfo.InfoHashes.V2?.ToString() == id
            ? metainfo
            : throw new IOException("its .torrent in the state folder is that of another torrent");
    }

    /// <exception cref="IOException">It is not there.</exception>
    public byte[] Read(LibraryEntry entry)
    {
        try
        {
            return File.ReadAllBytes(PathOf(entry.Id, entry.Publication is not null));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new IOException("its .torrent is missing from the state folder", error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new IOException(error.Message, error);
        }
    }

    /// <summary>Whether there is a file; without one members are asked.</summary>
    public bool Has(LibraryEntry entry) => File.Exists(PathOf(entry.Id, entry.Publication is not null));

    /// <summary>Does not fail: a file too many does no harm.</summary>
    public void Delete(LibraryEntry entry)
    {
        try
        {
            File.Delete(PathOf(entry.Id, entry.Publication is not null));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It is overwritten when the torrent comes again.
        }
    }

    private static string NameOf(TorrentFileToSave file) => NameOf(file.Id, file.IsForMembers);

    private string PathOf(string id, bool isForMembers) => Path.Combine(folder, NameOf(id, isForMembers));

    // An id is made of hexadecimal digits by us; one from a journal that somebody changed could be a path.
    private static string NameOf(string id, bool isForMembers) =>
        id.Length is 40 or 64 && id.All(char.IsAsciiHexDigitLower)
            ? id + (isForMembers ? ".members" : ".torrent")
            : throw new IOException($"'{id}' is not an infohash");
}

/// <summary>A .torrent file to keep.</summary>
/// <param name="Id">Of its torrent.</param>
/// <param name="Source">With the file.</param>
internal sealed record TorrentFileToSave(string Id, NewTorrent Source)
{
    /// <summary>Only members of a publication may hear of it.</summary>
    public bool IsForMembers => Source.Publication is not null;

    public byte[] Bytes => Source.Bytes!;
}
