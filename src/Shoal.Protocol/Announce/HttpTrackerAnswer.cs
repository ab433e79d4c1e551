using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Shoal.Protocol;

/// <summary>What an HTTP tracker answers, as bencoding and back (BEP 3, 7, 21, 23, 24, 31, 48).</summary>
public static class HttpTrackerAnswer
{
    // A peer in the wordy form is a dictionary with three keys and values: 8 tokens with begin and end.
    private const int TokensPerPeer = 8;
    private const int OtherTokens = 1000;

    // BEP 24: "containing the IPv4 address as a 32 bit binary or containing the IPv6 address as a 128 bit binary"
    private const int AddressV4 = 4;
    private const int AddressV6 = 16;

    /// <summary>Reads the answer to an announce; false if it is none.</summary>
    public static bool TryReadAnnounce(ReadOnlyMemory<byte> body, AnnounceLimits limits, out AnnounceAnswer answer)
    {
        answer = new AnnounceAnswer();
        if (!TryParse(body, limits, out var document) || !document.Root.IsDictionary)
        {
            return false;
        }

        var root = document.Root;
        if (root.Find("failure reason"u8).TryGetBytes(out var failure))
        {
            answer = new AnnounceAnswer
            {
                Failure = TrackerText.Printable(failure, limits.MaxTextLength),
                RetryIn = ReadRetry(root.Find("retry in"u8)),
            };
            return true;
        }

        var peers = new List<IPEndPoint>();
        var any = ReadPeers(root.Find("peers"u8), AddressFamily.InterNetwork, limits, peers);
        any |= ReadPeers(root.Find("peers6"u8), AddressFamily.InterNetworkV6, limits, peers);
        var interval = ReadSeconds(root.Find("interval"u8));
        // BEP 3: "Otherwise, it must have two keys: interval ... and peers." One of them tells a tracker from
        // anything else that happens to be a dictionary; trackers leave the other one out at times.
        if (!any && interval is null)
        {
            return false;
        }

        answer = new AnnounceAnswer
        {
            Warning = root.Find("warning message"u8).TryGetBytes(out var warning)
                ? TrackerText.Printable(warning, limits.MaxTextLength)
                : null,
            Interval = interval,
            MinInterval = ReadSeconds(root.Find("min interval"u8)),
            Seeds = ReadCount(root.Find("complete"u8)),
            Leeches = ReadCount(root.Find("incomplete"u8)),
            TrackerId =
                root.Find("tracker id"u8).TryGetBytes(out var id) && id.Length <= limits.MaxTrackerIdBytes
                    ? id.ToArray()
                    : default(ReadOnlyMemory<byte>),
            ExternalAddress = ReadAddress(root.Find("external ip"u8)),
            Peers = peers,
        };
        return true;
    }

    /// <summary>Reads the answer to a scrape; false if it is none. A refusal leaves the counts empty.</summary>
    public static bool TryReadScrape(
        ReadOnlyMemory<byte> body,
        AnnounceLimits limits,
        out IReadOnlyDictionary<InfoHash, ScrapeCounts> counts,
        out string? failure
    )
    {
        var found = new Dictionary<InfoHash, ScrapeCounts>();
        counts = found;
        failure = null;
        if (!TryParse(body, limits, out var document) || !document.Root.IsDictionary)
        {
            return false;
        }

        if (document.Root.Find("failure reason"u8).TryGetBytes(out var reason))
        {
            failure = TrackerText.Printable(reason, limits.MaxTextLength);
            return true;
        }

        var files = document.Root.Find("files"u8);
        foreach (var entry in files.Entries)
        {
            if (entry.Key.Length != InfoHash.Size || found.Count == limits.MaxScrape)
            {
                continue;
            }

            found[new InfoHash(entry.Key)] = new ScrapeCounts(
                ReadCount(entry.Value.Find("complete"u8)) ?? 0,
                ReadCount(entry.Value.Find("downloaded"u8)) ?? 0,
                ReadCount(entry.Value.Find("incomplete"u8)) ?? 0,
                ReadCount(entry.Value.Find("downloaders"u8))
            );
        }

        return files.IsDictionary;
    }

    /// <summary>Writes a refusal.</summary>
    /// <param name="retryIn">BEP 31: null: not said; <see cref="AnnounceAnswer.Never"/>: never.</param>
    public static void WriteFailure(IBufferWriter<byte> output, string reason, TimeSpan? retryIn = null)
    {
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.Entry("failure reason"u8, reason);
        if (retryIn is { } time)
        {
            // BEP 31 gives the number as a string: "retry in" => "5".
            var minutes = Math.Max(1, (long)Math.Ceiling(time.TotalMinutes));
            writer.Entry(
                "retry in"u8,
                time == AnnounceAnswer.Never ? "never" : minutes.ToString(CultureInfo.InvariantCulture)
            );
        }

        writer.End();
    }

    /// <summary>Writes the answer to an announce with compact peers.</summary>
    /// <param name="external">BEP 24: the asker's address.</param>
    public static void WriteAnnounce(
        IBufferWriter<byte> output,
        ScrapeCounts counts,
        int intervalSeconds,
        int minIntervalSeconds,
        IPAddress external,
        ReadOnlySpan<byte> peers,
        ReadOnlySpan<byte> peers6
    )
    {
        var writer = Begin(output, counts, intervalSeconds, minIntervalSeconds, external);
        writer.Entry("peers"u8, peers);
        if (!peers6.IsEmpty)
        {
            writer.Entry("peers6"u8, peers6);
        }

        writer.End();
    }

    /// <summary>
    /// Writes the answer to an announce in the wordy form of BEP 3, for who asks compact=0. We leave peer ids out,
    /// because we do not keep them.
    /// </summary>
    public static void WriteWordyAnnounce(
        IBufferWriter<byte> output,
        ScrapeCounts counts,
        int intervalSeconds,
        int minIntervalSeconds,
        IPAddress external,
        IReadOnlyList<IPEndPoint> peers
    )
    {
        var writer = Begin(output, counts, intervalSeconds, minIntervalSeconds, external);
        writer.String("peers"u8);
        writer.BeginList();
        foreach (var peer in peers)
        {
            writer.BeginDictionary();
            writer.Entry("ip"u8, peer.Address.ToString());
            writer.Entry("port"u8, peer.Port);
            writer.End();
        }

        writer.End();
        writer.End();
    }

    /// <summary>Writes the answer to a scrape. Keys stand in their order and once, as bencoding wants it.</summary>
    public static void WriteScrape(IBufferWriter<byte> output, IReadOnlyDictionary<InfoHash, ScrapeCounts> counts)
    {
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.String("files"u8);
        writer.BeginDictionary();
        foreach (var (infoHash, count) in counts.OrderBy(entry => entry.Key))
        {
            writer.String(infoHash.Span);
            writer.BeginDictionary();
            writer.Entry("complete"u8, count.Seeds);
            writer.Entry("downloaded"u8, count.Completed);
            if (count.Downloaders is { } downloaders)
            {
                writer.Entry("downloaders"u8, downloaders);
            }

            writer.Entry("incomplete"u8, count.Leeches);
            writer.End();
        }

        writer.End();
        writer.End();
    }

    private static BencodeWriter Begin(
        IBufferWriter<byte> output,
        ScrapeCounts counts,
        int intervalSeconds,
        int minIntervalSeconds,
        IPAddress external
    )
    {
        Span<byte> address = stackalloc byte[AddressV6];
        external.TryWriteBytes(address, out var length);
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.Entry("complete"u8, counts.Seeds);
        writer.Entry("downloaded"u8, counts.Completed);
        if (counts.Downloaders is { } downloaders)
        {
            writer.Entry("downloaders"u8, downloaders);
        }

        writer.Entry("external ip"u8, address[..length]);
        writer.Entry("incomplete"u8, counts.Leeches);
        writer.Entry("interval"u8, intervalSeconds);
        writer.Entry("min interval"u8, minIntervalSeconds);
        return writer;
    }

    private static bool TryParse(ReadOnlyMemory<byte> body, AnnounceLimits limits, out BencodeDocument document)
    {
        document = null!;
        if (body.Length > limits.MaxAnswerBytes)
        {
            return false;
        }

        var bounds = new BencodeLimits { MaxTokens = limits.MaxPeers * TokensPerPeer * 4 + OtherTokens };
        // Some trackers end with a line feed, and some do not sort their keys.
        return BencodeDocument.TryParse(body, BencodeMode.Lenient, bounds, out document, out _, allowTrailing: true);
    }

    /// <summary>Reads either form, and says whether it is one.</summary>
    private static bool ReadPeers(BencodeNode node, AddressFamily family, AnnounceLimits limits, List<IPEndPoint> peers)
    {
        if (node.TryGetBytes(out var packed))
        {
            CompactPeers.Read(packed, family, limits.MaxPeers, peers);
            return true;
        }

        foreach (var peer in node.Elements)
        {
            if (peers.Count >= limits.MaxPeers)
            {
                break;
            }

            // BEP 3 allows names here. We take addresses only, because a tracker that has us look up names makes
            // us ask whom it likes.
            if (
                peer.Find("ip"u8).TryGetBytes(out var ip)
                && ip.Length <= 45
                && IPAddress.TryParse(Encoding.ASCII.GetString(ip), out var address)
                && peer.Find("port"u8).IntegerOr(0) is > 0 and <= ushort.MaxValue and var port
                && !address.Equals(IPAddress.Any)
                && !address.Equals(IPAddress.IPv6Any)
            )
            {
                peers.Add(new IPEndPoint(CompactPeers.Unmap(address), (int)port));
            }
        }

        return node.IsList;
    }

    private static TimeSpan? ReadSeconds(BencodeNode node) =>
        node.TryGetInteger(out var seconds) && seconds >= 0
            ? TimeSpan.FromSeconds(Math.Min(seconds, int.MaxValue))
            : null;

    private static int? ReadCount(BencodeNode node) =>
        node.TryGetInteger(out var count) && count >= 0 ? (int)Math.Min(count, int.MaxValue) : null;

    /// <summary>
    /// BEP 31: "This field is either a positive integer or the value 'never'." Its examples give the integer as
    /// a string, so both are read.
    /// </summary>
    private static TimeSpan? ReadRetry(BencodeNode node)
    {
        if (node.TryGetBytes(out var text))
        {
            return text.SequenceEqual("never"u8) ? AnnounceAnswer.Never
                : text.Length <= 9
                && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var written)
                && written > 0
                    ? TimeSpan.FromMinutes(written)
                : null;
        }

        return node.TryGetInteger(out var minutes) && minutes > 0
            ? TimeSpan.FromMinutes(Math.Min(minutes, int.MaxValue))
            : null;
    }

    private static IPAddress? ReadAddress(BencodeNode node) =>
        node.TryGetBytes(out var bytes) && bytes.Length is AddressV4 or AddressV6
            ? CompactPeers.Unmap(new IPAddress(bytes))
            : null;
}
