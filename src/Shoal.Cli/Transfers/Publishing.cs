using System.Diagnostics.CodeAnalysis;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>Publishes a torrent while a command runs, and turns what happens into events for its view.</summary>
internal sealed class Publishing : IAsyncDisposable
{
    /// <summary>How long nothing may come of it before the user is told why.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly Publication _publication;
    private readonly InfoHashes _torrent;
    private readonly TimeProvider _time;
    private readonly long _start;
    private bool _hasWarned;
    private bool _wasOurs = true;

    private Publishing(Publication publication, InfoHashes torrent, TimeProvider time)
    {
        (_publication, _torrent, _time) = (publication, torrent, time);
        _start = time.GetTimestamp();
    }

    /// <summary>Begins, and tells the user of a key that was made for him.</summary>
    /// <exception cref="UserErrorException">There is no DHT, or no libsodium.</exception>
    public static Publishing Begin(
        TorrentEngine engine,
        SigningKey key,
        byte[] salt,
        InfoHashes torrent,
        ITransferView view,
        TimeProvider time
    )
    {
        if (key.IsNew)
        {
            view.Show(
                new TransferEvent.Warning(
                    "key-made",
                    $"made a new key, {key.File}: keep a copy, the link can lead to another version only with it"
                )
            );
        }

        try
        {
            return new Publishing(engine.Publish(key, salt, torrent), torrent, time);
        }
        catch (PublicationException error)
        {
            throw new UserErrorException(error.Code, error.Message);
        }
    }

    /// <summary>The link that stays the same.</summary>
    public MagnetLink Link => new() { InfoHashes = default, Publication = _publication.Name };

    /// <summary>How it goes, for the message when nothing comes of it.</summary>
    public PublicationStatus Status => _publication.Status;

    /// <summary>What has happened since it was asked last; one event at a time.</summary>
    public bool TryTake([NotNullWhen(true)] out TransferEvent? happening)
    {
        if (_publication.Puts.TryRead(out var put))
        {
            happening = put switch
            {
                { IsOurs: false } when _wasOurs => new TransferEvent.Warning(
                    "publication-superseded",
                    $"somebody with the same key has published version {put.Sequence}: the link leads there now"
                ),
                { StoredAt: 0 } => new TransferEvent.Warning(
                    "not-published",
                    "no node of the DHT took the publication; it is tried again"
                ),
                _ => new TransferEvent.Published(
                    Link.ToString(),
                    _publication.Name,
                    put.Sequence,
                    put.IsOurs ? _torrent : null,
                    put.StoredAt
                ),
            };
            _wasOurs = put.IsOurs;
            _hasWarned = true;
            return true;
        }

        happening = null;
        if (!_hasWarned && _time.GetElapsedTime(_start) >= Patience)
        {
            _hasWarned = true;
            happening = new TransferEvent.Warning("not-published", "not published yet: " + WhyNot(Status));
        }

        return happening is not null;
    }

    public ValueTask DisposeAsync() => _publication.DisposeAsync();

    private static string WhyNot(PublicationStatus status) =>
        status.Answered == 0
            ? "no node of the DHT answers (--dht-bootstrap HOST:PORT names one)"
            : $"{TorrentText.Count(status.Answered, "node")} of the DHT answered, and none took it";

    /// <summary>Why nothing came of it within the time that the user gave it.</summary>
    public UserErrorException GaveUp(TimeSpan timeout) =>
        new("timeout", $"not published within {Duration.Format(timeout)}: {WhyNot(Status)}");
}
