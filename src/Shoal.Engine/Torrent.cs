using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>One torrent in a <see cref="TorrentEngine"/>. Safe to use from any thread.</summary>
public sealed class Torrent
{
    private readonly TorrentRunner _runner;

    internal Torrent(TorrentRunner runner) => _runner = runner;

    public InfoHashes InfoHashes => _runner.InfoHashes;

    /// <summary>Null until a magnet link's metadata has arrived.</summary>
    public Metainfo? Metainfo => _runner.Metainfo;

    /// <summary>The latest snapshot; never waits.</summary>
    public TorrentStatus Status => _runner.Status;

    /// <summary>
    /// It has no peers and nothing to do, and nothing of <see cref="Status"/> changes but what trackers and the DHT say of others,
    /// until <see cref="TorrentEngine.RestEnded"/> tells of it. To be read before <see cref="Status"/>.
    /// </summary>
    public bool IsAtRest => _runner.IsAtRest;

    /// <summary>The folder that holds the content.</summary>
    public string SaveDirectory => _runner.SaveDirectory;

    internal TorrentRunner Runner => _runner;

    /// <summary>The .torrent file of it, with the trackers that are announced to. Reads the state folder.</summary>
    /// <returns>Null: what it is, or some of its v2 hashes, came by a link and is not known yet.</returns>
    public byte[]? ToTorrentFile() => _runner.ToTorrentFile();

    /// <summary>
    /// How many of the connected peers have each piece, at most 255; a private copy. Null: there are none, or nobody asked in the last ten seconds; to ask is
    /// to have it counted from the next snapshot on.
    /// </summary>
    public byte[]? AskForCopies() => _runner.AskForCopies();

    /// <summary>Completes when the metadata is known.</summary>
    /// <exception cref="OperationCanceledException">Cancelled, or the torrent was removed before.</exception>
    public Task<Metainfo> WhenMetadata(CancellationToken cancellation) => _runner.MetadataKnown.WaitAsync(cancellation);

    /// <summary>Completes when everything wanted is proven and written for the first time.</summary>
    /// <exception cref="OperationCanceledException">Cancelled, or the torrent was removed before.</exception>
    public Task WhenComplete(CancellationToken cancellation) => _runner.FirstCompletion.WaitAsync(cancellation);

    /// <summary>Ends all connections; what is done is kept.</summary>
    public void Pause() => _runner.Command(new SwarmCommand.Pause());

    public void Resume() => _runner.Command(new SwarmCommand.Resume());

    /// <summary>Hashes what is on disk again.</summary>
    public void Recheck() => _runner.Recheck();

    /// <param name="priorities">One for each file, in the order of <see cref="Metainfo.Files"/>.</param>
    public void SetFilePriorities(IReadOnlyList<FilePriority> priorities) => _runner.SetFilePriorities(priorities);

    public void SetSequential(bool isSequential) => _runner.Command(new SwarmCommand.SetSequential(isSequential));

    public void SetSuperSeeding(bool isSuperSeeding) =>
        _runner.Command(new SwarmCommand.SetSuperSeeding(isSuperSeeding));

    /// <summary>Asks for a piece before others.</summary>
    /// <param name="piece">Index of the piece.</param>
    /// <param name="fromNow">When it is needed; null takes the wish back.</param>
    public void SetDeadline(int piece, TimeSpan? fromNow) => _runner.SetDeadline(piece, fromNow);

    /// <summary>
    /// Reads a part of a file, while it may still be coming in: what the reader needs is fetched first, as long as it is open.
    /// </summary>
    /// <param name="file">Index in <see cref="Metainfo.Files"/>.</param>
    /// <param name="from">First byte.</param>
    /// <param name="to">End, exclusive.</param>
    /// <returns>To be disposed of; null: there are too many readers (32).</returns>
    /// <exception cref="InvalidOperationException">The files are not known yet.</exception>
    public TorrentReader? OpenReader(int file, long from, long to) => _runner.OpenReader(file, from, to);

    /// <summary>Bytes a second; 0: no limit.</summary>
    public void SetLimits(long download, long upload) => _runner.SetLimits(download, upload);

    /// <summary>Tiers of tracker URLs (BEP 12) that are announced to, whether or not that has begun; without those peers named.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Trackers => _runner.Trackers;

    /// <summary>Announces to these trackers instead; those that are left out hear that we stop. What is no tracker's URL is left out.</summary>
    public void SetTrackers(IReadOnlyList<IReadOnlyList<string>> tiers) => _runner.SetTrackers(tiers);

    /// <summary>Looks for peers as soon as the intervals of trackers and the DHT allow.</summary>
    public void Announce() => _runner.Announce();

    public void AddPeers(IReadOnlyList<IPEndPoint> endPoints) =>
        _runner.AddCandidates(new CandidateBatch(endPoints, PeerSource.User));

    /// <summary>Files that have another name than the torrent gives them, by their place in the torrent; see <see cref="FileNames"/>.</summary>
    public IReadOnlyDictionary<int, string> RenamedFiles => _runner.RenamedFiles;

    /// <summary>Gives files other names, also those that are not on the disk yet. Others are not disturbed; what web seeds call them stays.</summary>
    /// <param name="changes">Paths below the folder of the content, with '/' between elements, by place in the torrent.</param>
    /// <exception cref="IOException">One could not be renamed, or its name is taken; those before it have their new names.</exception>
    /// <exception cref="InvalidOperationException">The files are not known yet.</exception>
    public Task RenameFilesAsync(IReadOnlyDictionary<int, string> changes) => _runner.RenameFilesAsync(changes);

    /// <summary>Moves the content to another folder while the torrent goes on.</summary>
    /// <param name="directory">Full path.</param>
    /// <param name="begin">
    /// Called when the new place was found free, before anything is changed there; the move waits for it. Who keeps what it
    /// says durably can have the move ended after a crash (<see cref="TorrentOptions.InterruptedMove"/>). Null: nobody does.
    /// </param>
    /// <param name="cancellation">Ends it, with the content where it was.</param>
    /// <exception cref="IOException">It could not be moved; the content stays where it was.</exception>
    /// <returns>Why originals of copied files could not be deleted: they stay at the old place; null: none are left.</returns>
    public Task<string?> MoveAsync(string directory, Func<Task>? begin, CancellationToken cancellation) =>
        _runner.MoveAsync(directory, begin, cancellation);
}
