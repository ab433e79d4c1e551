using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Shoal.Protocol;

namespace Shoal.Tracker;

internal enum HttpTrackerStatus
{
    /// <summary>An answer in bencoding, a refusal too: clients read nothing else.</summary>
    Ok = 200,

    /// <summary>Who asks is in the user's filter.</summary>
    Forbidden = 403,
    NotFound = 404,
    MethodNotAllowed = 405,
}

/// <summary>Answers one HTTP request. Synchronous, without a connection: the server around it is Kestrel.</summary>
internal sealed class HttpTrackerHandler
{
    private readonly ShardedRegistry _registry;
    private readonly byte[] _announcePath;
    private readonly byte[]? _scrapePath;
    private readonly int _interval;
    private readonly int _minInterval;

    public HttpTrackerHandler(ShardedRegistry registry)
    {
        _registry = registry;
        var path = registry.Options.Path;
        _announcePath = Encoding.ASCII.GetBytes(path);
        _scrapePath =
            TrackerUrl.TryParse("http://tracker" + path, out var url) && url.Scrape is { } scrape
                ? Encoding.ASCII.GetBytes(scrape.PathAndQuery)
                : null;
        _interval = (int)registry.Options.Interval.TotalSeconds;
        _minInterval = (int)registry.Options.MinInterval.TotalSeconds;
    }

    /// <summary>Writes the body, and says the status.</summary>
    /// <param name="target">Path and query as they came, still encoded.</param>
    /// <param name="from">Whose connection it is: the only address that counts.</param>
    /// <param name="local">Our end of the connection.</param>
    public HttpTrackerStatus Handle(
        string method,
        string target,
        IPAddress from,
        IPAddress local,
        IBufferWriter<byte> output
    )
    {
        if (_registry.IsFiltered(from))
        {
            _registry.CountRefused();
            return HttpTrackerStatus.Forbidden;
        }

        if (method != "GET")
        {
            return HttpTrackerStatus.MethodNotAllowed;
        }

        var mark = target.IndexOf('?', StringComparison.Ordinal);
        var path = mark < 0 ? target : target[..mark];
        var query = mark < 0 ? default : target.AsSpan(mark + 1);
        if (Is(path, _announcePath))
        {
            Announce(query, PeerAddress.From(from), PeerAddress.From(local), output);
        }
        else if (_scrapePath is not null && Is(path, _scrapePath))
        {
            Scrape(query, output);
        }
        else if (path == "/")
        {
            WriteStatistics(output);
        }
        else
        {
            return HttpTrackerStatus.NotFound;
        }

        return HttpTrackerStatus.Ok;
    }

    public void Announce(
        ReadOnlySpan<char> query,
        in PeerAddress from,
        in PeerAddress local,
        IBufferWriter<byte> output
    )
    {
        var fault = AnnounceQuery.TryRead(query, out var request);
        if (fault != AnnounceQueryFault.None)
        {
            Refuse(AnnounceQuery.Describe(fault), null, output);
            return;
        }

        if (!_registry.IsAllowed(request.InfoHash))
        {
            Refuse("this torrent is not served here", AnnounceAnswer.Never, output);
            return;
        }

        var wanted = Math.Min(_registry.Wanted(request.Wanted), Registry.MaxWanted);
        var same = ArrayPool<byte>.Shared.Rent(Math.Max(wanted, 1) * CompactPeers.SizeV6);
        var other = ArrayPool<byte>.Shared.Rent(Math.Max(wanted, 1) * CompactPeers.SizeV6);
        try
        {
            var answer = _registry.Announce(request, from, wanted, same, other, _registry.Now);
            if (answer.Outcome != RegistryOutcome.Ok)
            {
                Refuse("the tracker is full", TimeSpan.FromMinutes(30), output);
                return;
            }

            _registry.CountHttpAnnounce();
            var sameLength = answer.Same;
            var otherLength = answer.Other;
            if (!from.IsLoopback)
            {
                sameLength = LocalPeers.Translate(same.AsSpan(0, sameLength), from.IsV6, local);
                otherLength = LocalPeers.Translate(other.AsSpan(0, otherLength), !from.IsV6, null);
            }

            var v4 = from.IsV6 ? other.AsSpan(0, otherLength) : same.AsSpan(0, sameLength);
            var v6 = from.IsV6 ? same.AsSpan(0, sameLength) : other.AsSpan(0, otherLength);
            Write(request.Compact, answer.Counts, from.ToIPAddress(), v4, v6, output);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(same);
            ArrayPool<byte>.Shared.Return(other);
        }
    }

    private void Write(
        bool isCompact,
        ScrapeCounts counts,
        IPAddress external,
        ReadOnlySpan<byte> v4,
        ReadOnlySpan<byte> v6,
        IBufferWriter<byte> output
    )
    {
        if (isCompact)
        {
            HttpTrackerAnswer.WriteAnnounce(output, counts, _interval, _minInterval, external, v4, v6);
            return;
        }

        var peers = new List<IPEndPoint>();
        CompactPeers.Read(v4, AddressFamily.InterNetwork, Registry.MaxWanted, peers);
        CompactPeers.Read(v6, AddressFamily.InterNetworkV6, Registry.MaxWanted, peers);
        HttpTrackerAnswer.WriteWordyAnnounce(output, counts, _interval, _minInterval, external, peers);
    }

    private void Scrape(ReadOnlySpan<char> query, IBufferWriter<byte> output)
    {
        Span<InfoHash> hashes = stackalloc InfoHash[AnnounceLimits.Default.MaxScrape];
        var fault = AnnounceQuery.TryReadScrape(query, hashes, out var count);
        if (fault != AnnounceQueryFault.None)
        {
            Refuse(AnnounceQuery.Describe(fault), null, output);
            return;
        }

        _registry.CountScrape();
        var counts = new Dictionary<InfoHash, ScrapeCounts>(count);
        foreach (var infoHash in hashes[..count])
        {
            counts[infoHash] = _registry.Scrape(infoHash);
        }

        HttpTrackerAnswer.WriteScrape(output, counts);
    }

    public void Refuse(string reason, TimeSpan? retryIn, IBufferWriter<byte> output)
    {
        _registry.CountRefused();
        HttpTrackerAnswer.WriteFailure(output, reason, retryIn);
    }

    private void WriteStatistics(IBufferWriter<byte> output)
    {
        var counters = _registry.Counters;
        var text =
            $"Shoal tracker\n\ntorrents {counters.Swarms}\npeers {counters.Peers}\n"
            + $"announces {counters.HttpAnnounces} over HTTP, {counters.UdpAnnounces} over UDP\n"
            + $"scrapes {counters.Scrapes}\nrefused {counters.Refused}\n";
        Encoding.UTF8.GetBytes(text, output);
    }

    // A path may be a secret, so it is compared in constant time.
    private static bool Is(string path, ReadOnlySpan<byte> expected) =>
        path.Length <= AnnounceLimits.MaxUrlLength
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(path), expected);
}
