using System.Security.Cryptography;
using System.Text;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// This process's right to a torrent in a folder, and the resume journal that goes with it. Several processes share a
/// state directory (`share` in one terminal, `get` in another), and only where they would work on the same files of the
/// same torrent one of them must not. docs/decisions/0013 says why.
/// </summary>
/// <remarks>
/// A torrent has one journal, as long as one process at a time has it. Who comes while another has it, for another
/// folder, begins a journal of its own, and goes on with that one in later runs.
/// </remarks>
internal sealed class TorrentClaim : IDisposable
{
    private readonly LockFolder _locks;
    private readonly InfoHash _torrent;
    private readonly IDisposable? _journal;
    private IDisposable _place;

    private TorrentClaim(
        LockFolder locks,
        InfoHash torrent,
        IDisposable place,
        IDisposable? journal,
        string journalName
    )
    {
        _locks = locks;
        _torrent = torrent;
        _place = place;
        _journal = journal;
        JournalName = journalName;
    }

    /// <summary>Of the journal, without its extension.</summary>
    public string JournalName { get; }

    /// <param name="locks">Of the state directory.</param>
    /// <param name="stateDirectory">Shared by processes.</param>
    /// <param name="torrent">Its name.</param>
    /// <param name="saveDirectory">Where its content lies.</param>
    /// <exception cref="StorageException">Another process has it, or the state directory cannot be used.</exception>
    public static TorrentClaim Take(LockFolder locks, string stateDirectory, InfoHash torrent, string saveDirectory)
    {
        var state = Path.GetFullPath(stateDirectory);
        var place = TakePlace(locks, torrent, saveDirectory);
        try
        {
            var own = NameOf(torrent, saveDirectory);
            if (!File.Exists(Path.Combine(state, own + ".resume")))
            {
                if (locks.TryTake(torrent.ToString()) is { } journal)
                {
                    return new TorrentClaim(locks, torrent, place, journal, torrent.ToString());
                }
            }

            return new TorrentClaim(locks, torrent, place, null, own);
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            place.Dispose();
            throw StorageException.From(e, "cannot use", state);
        }
    }

    /// <summary>The content is about to move to another folder.</summary>
    /// <exception cref="StorageException">Another process has the torrent there.</exception>
    public IDisposable TakeAlso(string saveDirectory) => TakePlace(_locks, _torrent, saveDirectory);

    /// <summary>It has moved; owns the lock of its new folder.</summary>
    public void Moved(IDisposable place)
    {
        _place.Dispose();
        _place = place;
    }

    public void Dispose()
    {
        _journal?.Dispose();
        _place.Dispose();
    }

    private static IDisposable TakePlace(LockFolder locks, InfoHash torrent, string saveDirectory)
    {
        try
        {
            return locks.TryTake(NameOf(torrent, saveDirectory))
                ?? throw new StorageException(
                    DiskFailureKind.Other,
                    $"another Shoal process is working on this torrent in '{saveDirectory}'; stop that one first"
                );
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            throw StorageException.From(e, "cannot lock", saveDirectory);
        }
    }

    private static string NameOf(InfoHash torrent, string saveDirectory)
    {
        var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(saveDirectory));
        return $"{torrent}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(folder)).AsSpan(0, 8))}";
    }
}
