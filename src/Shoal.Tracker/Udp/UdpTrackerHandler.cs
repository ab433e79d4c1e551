using System.Security.Cryptography;
using System.Text;
using Shoal.Protocol;

namespace Shoal.Tracker;

/// <summary>Answers one datagram. Synchronous; called by the loop of each socket.</summary>
internal sealed class UdpTrackerHandler(ShardedRegistry registry)
{
    /// <summary>Longest answer: fits into every IPv6 path's MTU: 1,280 - 40 - 8 bytes.</summary>
    public const int MaxReply = 1232;

    private readonly ConnectionIds _ids = new();
    private readonly bool _isPathSecret = registry.Options.Path != TrackerOptions.DefaultPath;
    private readonly byte[] _path = Encoding.ASCII.GetBytes(registry.Options.Path);
    private readonly int _interval = (int)registry.Options.Interval.TotalSeconds;

    /// <summary>Writes the answer, and says its length; 0: none.</summary>
    /// <param name="localAddress">Finds our address as the asker sees it.</param>
    public int Handle(
        ReadOnlySpan<byte> datagram,
        in PeerAddress from,
        Span<byte> reply,
        TimeSpan now,
        Func<PeerAddress, PeerAddress?> localAddress
    )
    {
        if (registry.IsFiltered(from) || UdpTrackerRequest.TryRead(datagram, out var request) != UdpTrackerFault.None)
        {
            registry.CountIgnored();
            return 0;
        }

        if (request.Action == UdpTrackerAction.Connect)
        {
            // 16 bytes for at least 16: who forges a sender's address gains nothing.
            registry.CountConnect();
            return UdpTrackerAnswer.WriteConnect(request.TransactionId, _ids.Issue(from, now), reply);
        }

        // BEP 15: "The tracker verifies the connection_id and ignores the request if it doesn't match."
        if (!_ids.IsValid(request.ConnectionId, from, now))
        {
            registry.CountIgnored();
            return 0;
        }

        return request.Action == UdpTrackerAction.Announce
            ? Announce(request, from, reply, now, localAddress)
            : Scrape(request, reply);
    }

    private int Announce(
        in UdpTrackerRequest request,
        in PeerAddress from,
        Span<byte> reply,
        TimeSpan now,
        Func<PeerAddress, PeerAddress?> localAddress
    )
    {
        if (_isPathSecret && !NamesPath(request.Rest))
        {
            return Refuse(request, "wrong path"u8, reply);
        }

        var announce = request.Announce;
        if (!registry.IsAllowed(announce.InfoHash))
        {
            return Refuse(request, "this torrent is not served here"u8, reply);
        }

        var peers = reply[UdpTrackerAnswer.AnnounceHeaderSize..];
        var wanted = registry.Wanted(announce.Wanted);
        var answer = registry.Announce(announce, from, wanted, peers, default, now);
        if (answer.Outcome != RegistryOutcome.Ok)
        {
            return Refuse(request, "the tracker is full"u8, reply);
        }

        registry.CountUdpAnnounce();
        var length = answer.Same;
        if (!from.IsLoopback && LocalPeers.Any(peers[..length], from.IsV6))
        {
            length = LocalPeers.Translate(peers[..length], from.IsV6, localAddress(from));
        }

        return length
            + UdpTrackerAnswer.WriteAnnounceHeader(
                request.TransactionId,
                _interval,
                answer.Counts.Leeches,
                answer.Counts.Seeds,
                reply
            );
    }

    private int Scrape(in UdpTrackerRequest request, Span<byte> reply)
    {
        // A scrape has no room for a URL, so it could not prove that it knows the path.
        if (_isPathSecret)
        {
            return Refuse(request, "no scrape here"u8, reply);
        }

        registry.CountScrape();
        var length = UdpTrackerAnswer.WriteScrapeHeader(request.TransactionId, reply);
        var count = Math.Min(request.Rest.Length / InfoHash.Size, AnnounceLimits.Default.MaxScrape);
        for (var i = 0; i < count; i++)
        {
            var infoHash = new InfoHash(request.Rest.Slice(i * InfoHash.Size, InfoHash.Size));
            length += UdpTrackerAnswer.WriteScrapeEntry(registry.Scrape(infoHash), reply[length..]);
        }

        return length;
    }

    private int Refuse(in UdpTrackerRequest request, ReadOnlySpan<byte> why, Span<byte> reply)
    {
        registry.CountRefused();
        return UdpTrackerAnswer.WriteError(request.TransactionId, why, reply);
    }

    private bool NamesPath(ReadOnlySpan<byte> options)
    {
        Span<byte> url = stackalloc byte[AnnounceLimits.MaxUdpUrlData];
        if (!UdpUrlData.TryRead(options, url, out var length))
        {
            return false;
        }

        var path = url[..length];
        var query = path.IndexOf((byte)'?');
        return CryptographicOperations.FixedTimeEquals(query < 0 ? path : path[..query], _path);
    }
}
