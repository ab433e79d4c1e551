using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>When to look for news of a publication.</summary>
internal sealed record PublicationTimes
{
    /// <summary>The shortest time between looks that a user may ask for: a look costs some thirty datagrams.</summary>
    public static readonly TimeSpan LeastInterval = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Between looks once the publication is known, give or take a tenth; from <see cref="LeastInterval"/>. Default 5 min.
    /// </summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>After the first look that found nothing; doubled with each further one up to <see cref="LastRetry"/>.</summary>
    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Never longer than <see cref="Interval"/>.</summary>
    public TimeSpan LastRetry { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>What an item brought.</summary>
internal enum PublicationNews
{
    /// <summary>Nothing: the same as before, or older, or of somebody else.</summary>
    None,

    /// <summary>The first, or another torrent than before.</summary>
    OtherTorrent,

    /// <summary>A newer item that names the same torrent.</summary>
    Renewed,

    /// <summary>A newer item that names no torrent; the one before stays.</summary>
    NoTorrent,
}

/// <summary>
/// What we know of a publication (BEP 46), and when to look again. Items come proven (their signature was checked);
/// what is decided here is which of them counts. BEP 44: the sequence number of an item only grows, so what is older
/// than what we have seen, in this run or a former one, is a replay and is not listened to.
/// </summary>
/// <param name="name">Whose items count.</param>
/// <param name="times">How often to look.</param>
/// <param name="jitter">From 0 to below 1, a new one at each call.</param>
internal sealed class PublicationWatch(PublicationName name, PublicationTimes times, Func<double> jitter)
{
    private TimeSpan _retry = times.FirstRetry;

    /// <summary>The newest item; null while none is known.</summary>
    public DhtItem? Newest { get; private set; }

    /// <summary>The torrent it names, or the last one named; null while none is known.</summary>
    public InfoHashes? Torrent { get; private set; }

    /// <summary>The number of the item that named <see cref="Torrent"/> first.</summary>
    public long Sequence { get; private set; }

    /// <summary>Looks in a row that ended without an item.</summary>
    public int Misses { get; private set; }

    public PublicationNews Take(DhtItem item)
    {
        if (
            item.Signature is not { } signature
            || !signature.PublicKey.AsSpan().SequenceEqual(name.Key.Span)
            || !item.Salt.AsSpan().SequenceEqual(name.Salt.Span)
            // Two values with one number are the work of a careless owner; the first stays, else we would swing.
            || Newest?.Signature?.Sequence >= signature.Sequence
        )
        {
            return PublicationNews.None;
        }

        Newest = item;
        if (!PublishedTorrent.TryRead(item.Value, out var torrent))
        {
            return PublicationNews.NoTorrent;
        }

        if (Torrent is { } known && IsSame(known, torrent))
        {
            return PublicationNews.Renewed;
        }

        Torrent = torrent;
        Sequence = signature.Sequence;
        return PublicationNews.OtherTorrent;
    }

    /// <summary>A look is over.</summary>
    /// <param name="found">Whether it brought an item, old or new.</param>
    /// <returns>How long to wait before the next.</returns>
    public TimeSpan Looked(bool found)
    {
        if (found)
        {
            Misses = 0;
            _retry = times.FirstRetry;
            return times.Interval * (0.9 + (0.2 * jitter()));
        }

        Misses++;
        var wait = _retry;
        var longest = times.LastRetry < times.Interval ? times.LastRetry : times.Interval;
        _retry = _retry * 2 < longest ? _retry * 2 : longest;
        return wait;
    }

    /// <summary>One name in common is enough: a hybrid may be named by one of its two.</summary>
    public static bool IsSame(InfoHashes a, InfoHashes b) =>
        (a.V1 is not null && a.V1 == b.V1) || (a.V2 is not null && a.V2 == b.V2);
}
