using System.Threading.Channels;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Publications cannot be used, for a reason that the user can understand.</summary>
/// <param name="code">Stable, kebab-case.</param>
/// <param name="message">One line.</param>
public sealed class PublicationException(string code, string message) : Exception(message)
{
    public string Code { get; } = code;
}

/// <summary>Which torrent a publication names.</summary>
/// <param name="Sequence">The number of the item that named it first; grows with each version.</param>
public sealed record PublishedVersion(long Sequence, InfoHashes InfoHashes);

/// <summary>How it goes with a publication. Immutable.</summary>
/// <param name="Looks">Look-ups in the DHT that have ended.</param>
/// <param name="Answered">Nodes that answered the last one; 0: there is no way into the DHT.</param>
/// <param name="Sequence">Of the newest item known; null: none is.</param>
/// <param name="IsRemembered">The newest item is one that a former run saw, and nobody has it now.</param>
/// <param name="NamesNoTorrent">The newest item names no torrent.</param>
public sealed record PublicationStatus(int Looks, int Answered, long? Sequence, bool IsRemembered, bool NamesNoTorrent);

/// <summary>
/// Follows a publication (BEP 46) until it is disposed of: looks for its newest item, tells which torrent it names, looks
/// again now and then, and helps to keep the item in the DHT. Made by <see cref="TorrentEngine.Follow"/>.
/// </summary>
public sealed class PublicationFeed : IAsyncDisposable
{
    private readonly PublicationFollower _follower;

    internal PublicationFeed(PublicationFollower follower) => _follower = follower;

    public PublicationName Name => _follower.Name;

    public PublicationStatus Status => _follower.Status;

    /// <summary>
    /// Waits for a version that was not given yet: the current one, then each that follows. Versions that came and went
    /// unread are left out.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ValueTask<PublishedVersion> NextAsync(CancellationToken cancellation) =>
        _follower.Versions.ReadAsync(cancellation);

    /// <summary>
    /// The folder for the content of a version, the same each time it is asked about: the given one for the first version
    /// that was put there, a folder <c>update-N</c> in it for each that follows, so that none overwrites another.
    /// </summary>
    /// <param name="version">Its sequence number is N.</param>
    /// <param name="directory">Where the user wants the publication.</param>
    public string FolderFor(PublishedVersion version, string directory)
    {
        ArgumentNullException.ThrowIfNull(version);
        return _follower.FolderFor(version, directory);
    }

    public ValueTask DisposeAsync() => _follower.DisposeAsync();
}

/// <summary>An item was put, or could not be.</summary>
/// <param name="Sequence">Its number.</param>
/// <param name="StoredAt">Nodes that took it; 0: none, it is tried again.</param>
/// <param name="IsOurs">False: somebody with the same key has published another torrent meanwhile, and that is kept.</param>
public sealed record PublicationPut(long Sequence, int StoredAt, bool IsOurs);

/// <summary>
/// Publishes a torrent (BEP 46), and keeps what it put in the DHT until it is disposed of. Made by
/// <see cref="TorrentEngine.Publish"/>.
/// </summary>
public sealed class Publication : IAsyncDisposable
{
    private readonly PublicationPublisher _publisher;

    internal Publication(PublicationPublisher publisher) => _publisher = publisher;

    public PublicationName Name => _publisher.Name;

    public PublicationStatus Status => _publisher.Status;

    /// <summary>Tells each putting: the first within seconds, then about one an hour.</summary>
    public ChannelReader<PublicationPut> Puts => _publisher.Puts;

    public ValueTask DisposeAsync() => _publisher.DisposeAsync();
}
