using System.Globalization;
using System.Text;

namespace Shoal.Protocol;

/// <summary>Why a query is no announce or scrape. Each has a text for the answer.</summary>
public enum AnnounceQueryFault
{
    None,
    MissingInfoHash,
    BadInfoHash,
    SeveralInfoHashes,
    BadPeerId,
    BadPort,
    BadNumber,
}

/// <summary>The query of an HTTP announce (BEP 3 and its extensions), as bytes and back.</summary>
public static class AnnounceQuery
{
    private const int MaxNumberLength = 20;

    /// <summary>The URL to get: that of the tracker with the request behind it.</summary>
    public static string Build(TrackerUrl tracker, in AnnounceRequest request, ReadOnlySpan<byte> trackerId)
    {
        var url = Begin(tracker);
        url.Append("info_hash=");
        PercentEncoding.Append(url, request.InfoHash.Span);
        url.Append("&peer_id=");
        PercentEncoding.Append(url, request.PeerId.Span);
        url.Append(
            CultureInfo.InvariantCulture,
            $"&port={request.Port}&uploaded={request.Uploaded}&downloaded={request.Downloaded}&left={request.Left}"
        );
        // BEP 7: "The client SHOULD include a key parameter in its announces."
        url.Append(CultureInfo.InvariantCulture, $"&key={request.Key:X8}");
        if (request.Wanted >= 0)
        {
            url.Append(CultureInfo.InvariantCulture, $"&numwant={request.Wanted}");
        }

        url.Append(request.Compact ? "&compact=1" : "&compact=0");
        if (request.NoPeerId || request.Compact)
        {
            url.Append("&no_peer_id=1");
        }

        if (EventName(request.Event) is { } name)
        {
            url.Append("&event=").Append(name);
        }

        if (!trackerId.IsEmpty)
        {
            url.Append("&trackerid=");
            PercentEncoding.Append(url, trackerId);
        }

        return url.ToString();
    }

    /// <summary>The URL to get for a scrape (BEP 48); <paramref name="tracker"/> is its <see cref="TrackerUrl.Scrape"/>.</summary>
    public static string BuildScrape(TrackerUrl tracker, ReadOnlySpan<InfoHash> hashes)
    {
        var url = Begin(tracker);
        for (var i = 0; i < hashes.Length; i++)
        {
            url.Append(i == 0 ? "info_hash=" : "&info_hash=");
            PercentEncoding.Append(url, hashes[i].Span);
        }

        return url.ToString();
    }

    /// <summary>
    /// Reads what follows '?' in an announce. Unknown keys are ignored, and so are `ip`, `ipv4` and `ipv6`: BEP
    /// 7: "they allow an attacker to announce a victim's IP address to launch a DDoS attack".
    /// </summary>
    public static AnnounceQueryFault TryRead(ReadOnlySpan<char> query, out AnnounceRequest request)
    {
        request = default;
        var fields = new Fields();
        foreach (var range in query.Split('&'))
        {
            var pair = query[range];
            var equals = pair.IndexOf('=');
            if (equals < 0)
            {
                continue;
            }

            var fault = fields.Set(pair[..equals], pair[(equals + 1)..]);
            if (fault != AnnounceQueryFault.None)
            {
                return fault;
            }
        }

        return fields.Finish(out request);
    }

    /// <summary>Reads the infohashes of a scrape, at most as many as fit; the rest is ignored.</summary>
    public static AnnounceQueryFault TryReadScrape(ReadOnlySpan<char> query, Span<InfoHash> hashes, out int count)
    {
        count = 0;
        foreach (var range in query.Split('&'))
        {
            var pair = query[range];
            if (!pair.StartsWith("info_hash="))
            {
                continue;
            }

            if (count == hashes.Length)
            {
                break;
            }

            if (!TryReadInfoHash(pair["info_hash=".Length..], out hashes[count]))
            {
                return AnnounceQueryFault.BadInfoHash;
            }

            count++;
        }

        return count == 0 ? AnnounceQueryFault.MissingInfoHash : AnnounceQueryFault.None;
    }

    /// <summary>What to tell the one who asked.</summary>
    public static string Describe(AnnounceQueryFault fault) =>
        fault switch
        {
            AnnounceQueryFault.MissingInfoHash => "info_hash is missing",
            AnnounceQueryFault.BadInfoHash => "info_hash is not 20 percent-encoded bytes",
            AnnounceQueryFault.SeveralInfoHashes => "more than one info_hash",
            AnnounceQueryFault.BadPeerId => "peer_id is not 20 percent-encoded bytes",
            AnnounceQueryFault.BadPort => "port is missing or not a port",
            _ => "a number is not a number",
        };

    private static StringBuilder Begin(TrackerUrl tracker)
    {
        // The URL may have a query of its own, for example the key of a member.
        var url = new StringBuilder(tracker.Uri.AbsoluteUri, 512);
        return url.Append(
            tracker.HasQuery ? "&"
            : tracker.Uri.Query.Length == 1 ? ""
            : "?"
        );
    }

    private static string? EventName(AnnounceEvent value) =>
        value switch
        {
            AnnounceEvent.Started => "started",
            AnnounceEvent.Completed => "completed",
            AnnounceEvent.Stopped => "stopped",
            AnnounceEvent.Paused => "paused",
            _ => null,
        };

    private static AnnounceEvent ReadEvent(ReadOnlySpan<char> value) =>
        value switch
        {
            "started" => AnnounceEvent.Started,
            "completed" => AnnounceEvent.Completed,
            "stopped" => AnnounceEvent.Stopped,
            "paused" => AnnounceEvent.Paused,
            // BEP 3: "or empty, which is the same as not being present"
            _ => AnnounceEvent.None,
        };

    private static bool TryReadInfoHash(ReadOnlySpan<char> value, out InfoHash hash)
    {
        Span<byte> bytes = stackalloc byte[InfoHash.Size];
        var ok = PercentEncoding.TryDecode(value, bytes, out var length) && length == InfoHash.Size;
        hash = ok ? new InfoHash(bytes) : default;
        return ok;
    }

    /// <summary>Digits with an optional minus; numbers too large for 64 bits are no numbers.</summary>
    private static bool TryReadNumber(ReadOnlySpan<char> value, out long number)
    {
        number = 0;
        return value.Length is > 0 and <= MaxNumberLength
            && (value[0] == '-' || char.IsAsciiDigit(value[0]))
            && long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
    }

    /// <summary>What was read of an announce so far.</summary>
    private struct Fields
    {
        private InfoHash? _infoHash;
        private PeerId? _peerId;
        private ushort? _port;
        private long _uploaded;
        private long _downloaded;
        private long _left;
        private long? _wanted;
        private uint _key;
        private AnnounceEvent _event;
        private bool _isWordy;
        private bool _noPeerId;

        public AnnounceQueryFault Set(ReadOnlySpan<char> key, ReadOnlySpan<char> value)
        {
            switch (key)
            {
                case "info_hash":
                    return SetInfoHash(value);
                case "peer_id":
                    return SetPeerId(value);
                case "port":
                    return SetPort(value);
                case "uploaded":
                    return Check(TryReadNumber(value, out _uploaded));
                case "downloaded":
                    return Check(TryReadNumber(value, out _downloaded));
                case "left":
                    return Check(TryReadNumber(value, out _left));
                case "numwant":
                    var ok = TryReadNumber(value, out var wanted);
                    _wanted = wanted;
                    return Check(ok);
                case "key":
                    // Any text may stand here; it is only compared. Ours and most are up to 8 hexadecimal digits.
                    _ = uint.TryParse(value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _key);
                    break;
                case "compact":
                    _isWordy = value is "0";
                    break;
                case "no_peer_id":
                    _noPeerId = value is "1";
                    break;
                case "event":
                    _event = ReadEvent(value);
                    break;
            }

            return AnnounceQueryFault.None;
        }

        public readonly AnnounceQueryFault Finish(out AnnounceRequest request)
        {
            request = default;
            if (_infoHash is not { } infoHash)
            {
                return AnnounceQueryFault.MissingInfoHash;
            }

            if (_peerId is not { } peerId)
            {
                return AnnounceQueryFault.BadPeerId;
            }

            if (_port is not { } port)
            {
                return AnnounceQueryFault.BadPort;
            }

            request = new AnnounceRequest
            {
                InfoHash = infoHash,
                PeerId = peerId,
                Port = port,
                Uploaded = _uploaded,
                Downloaded = _downloaded,
                Left = _left,
                Event = _event,
                Key = _key,
                Wanted = (int)Math.Clamp(_wanted ?? -1, -1, int.MaxValue),
                Compact = !_isWordy,
                NoPeerId = _noPeerId,
            };
            return AnnounceQueryFault.None;
        }

        private AnnounceQueryFault SetInfoHash(ReadOnlySpan<char> value)
        {
            if (_infoHash is not null)
            {
                return AnnounceQueryFault.SeveralInfoHashes;
            }

            if (!TryReadInfoHash(value, out var hash))
            {
                return AnnounceQueryFault.BadInfoHash;
            }

            _infoHash = hash;
            return AnnounceQueryFault.None;
        }

        private AnnounceQueryFault SetPeerId(ReadOnlySpan<char> value)
        {
            Span<byte> id = stackalloc byte[PeerId.Size];
            if (!PercentEncoding.TryDecode(value, id, out var length) || length != PeerId.Size)
            {
                return AnnounceQueryFault.BadPeerId;
            }

            _peerId = new PeerId(id);
            return AnnounceQueryFault.None;
        }

        private AnnounceQueryFault SetPort(ReadOnlySpan<char> value)
        {
            if (!TryReadNumber(value, out var port) || port is < 0 or > ushort.MaxValue)
            {
                return AnnounceQueryFault.BadPort;
            }

            _port = (ushort)port;
            return AnnounceQueryFault.None;
        }

        private static AnnounceQueryFault Check(bool isNumber) =>
            isNumber ? AnnounceQueryFault.None : AnnounceQueryFault.BadNumber;
    }
}
