using Shoal.Protocol;

namespace Shoal.Engine;

// Publications: links that lead to the current version of something (BEP 46).
public sealed partial class TorrentEngine
{
    /// <summary>Follows a publication.</summary>
    /// <param name="name">From its link.</param>
    /// <param name="interval">Between looks; null: 5 minutes. Not less than 10 seconds.</param>
    /// <exception cref="PublicationException">There is no DHT, or no libsodium.</exception>
    public PublicationFeed Follow(PublicationName name, TimeSpan? interval = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        var times = new PublicationTimes();
        if (interval is { } wanted)
        {
            times = times with
            {
                Interval = wanted > PublicationTimes.LeastInterval ? wanted : PublicationTimes.LeastInterval,
            };
        }

        var (dht, ed25519) = RequirePublications();
        var watch = new PublicationWatch(name, times, _services.CreateRandom().NextDouble);
        var file = new PublicationFile(_services.Options.StateDirectory, name);
        return new PublicationFeed(new PublicationFollower(dht, name, watch, file, ed25519, _services.Time, Fault));
    }

    /// <summary>Publishes which torrent is the current one, with the number after the last.</summary>
    /// <param name="key">Signs it.</param>
    /// <param name="salt">Tells several publications of one key apart; up to 64 bytes.</param>
    /// <param name="torrent">Its names.</param>
    /// <exception cref="PublicationException">There is no DHT, or no libsodium.</exception>
    public Publication Publish(SigningKey key, ReadOnlySpan<byte> salt, InfoHashes torrent)
    {
        ArgumentNullException.ThrowIfNull(key);
        var name = new PublicationName(key.PublicKey.Span, salt);
        var (dht, ed25519) = RequirePublications();
        var file = new PublicationFile(_services.Options.StateDirectory, name);
        return new Publication(
            new PublicationPublisher(
                dht,
                name,
                key,
                PublishedTorrent.Write(torrent),
                file,
                ed25519,
                _services.Time,
                Fault
            )
        );
    }

    private (DhtLoop Dht, Ed25519 Ed25519) RequirePublications()
    {
        if (_services.Dht is not { } dht)
        {
            throw new PublicationException(
                "no-dht",
                _services.Egress.IsProxied
                    ? "the link is looked up in the DHT, and this proxy carries no UDP: a socks5:// proxy would"
                    : "the link is looked up in the DHT, which is off"
            );
        }

        return Ed25519.TryLoad(out var ed25519, out var problem)
            ? (dht, ed25519)
            : throw new PublicationException("no-libsodium", problem);
    }
}
