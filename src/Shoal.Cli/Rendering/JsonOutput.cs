using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Shoal.Cli;

/// <summary>The lines of --json: one object each, in the shape that scripts may rely on.</summary>
internal static class JsonOutput
{
    // A line is for a program, not for a web page: & and ' stay as they are. What could command a terminal or turn
    // the reading direction is escaped all the same.
    public static JsonOutputContext Context { get; } =
        new(
            new JsonSerializerOptions(JsonOutputContext.Default.Options)
            {
                Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            }
        );

    public static void Write<T>(TextWriter output, T line, JsonTypeInfo<T> type) =>
        WriteText(output, JsonSerializer.Serialize(line, type));

    /// <summary>One object, as JSON already.</summary>
    public static void WriteText(TextWriter output, string json)
    {
        output.WriteLine(EscapeFormats(json));
        output.Flush();
    }

    // The encoder leaves these as they are; they can only stand inside strings.
    private static string EscapeFormats(string json)
    {
        if (!json.Any(IsFormat))
        {
            return json;
        }

        var escaped = new StringBuilder(json.Length + 32);
        foreach (var c in json)
        {
            _ =
                IsFormat(c) || char.IsSurrogate(c)
                    ? escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}")
                    : escaped.Append(c);
        }

        return escaped.ToString();
    }

    // U+DB40 begins the pairs of the tags, which are formats too.
    private static bool IsFormat(char c) => char.GetUnicodeCategory(c) == UnicodeCategory.Format || c == '\uDB40';
}

/// <summary>Bytes are integers, rates bytes a second, times seconds. Null means "there is none" and is written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ErrorLine))]
[JsonSerializable(typeof(WarningLine))]
[JsonSerializable(typeof(IpFilterLine))]
[JsonSerializable(typeof(ListeningLine))]
[JsonSerializable(typeof(PortMappingLine))]
[JsonSerializable(typeof(ExternalAddressLine))]
[JsonSerializable(typeof(MetadataLine))]
[JsonSerializable(typeof(LinkLine))]
[JsonSerializable(typeof(StreamingLine))]
[JsonSerializable(typeof(VersionLine))]
[JsonSerializable(typeof(PublishedLine))]
[JsonSerializable(typeof(CheckingLine))]
[JsonSerializable(typeof(ProgressLine))]
[JsonSerializable(typeof(PeerLine))]
[JsonSerializable(typeof(PeerGoneLine))]
[JsonSerializable(typeof(CompleteLine))]
[JsonSerializable(typeof(StoppedLine))]
[JsonSerializable(typeof(TorrentObject))]
[JsonSerializable(typeof(VerifyObject))]
[JsonSerializable(typeof(TrackerLine))]
[JsonSerializable(typeof(TrackerStatsLine))]
[JsonSerializable(typeof(DaemonReadyLine))]
[JsonSerializable(typeof(DaemonStoppedLine))]
internal sealed partial class JsonOutputContext : JsonSerializerContext;

internal abstract record JsonLine([property: JsonPropertyOrder(-1)] string Event);

internal sealed record ErrorLine(string Code, string Message) : JsonLine("error");

/// <summary>Something that does not end the command: a tracker that does not answer, a disk that is full for now.</summary>
internal sealed record WarningLine(string Code, string Message) : JsonLine("warning");

/// <summary>The lists of <c>--ip-filter</c> were read again (SIGHUP).</summary>
internal sealed record IpFilterLine(int Ranges) : JsonLine("ip-filter");

internal sealed record ListeningLine(int Port, IReadOnlyList<string> Addresses) : JsonLine("listening");

/// <param name="Protocol">tcp or udp.</param>
/// <param name="ExternalPort">Null: no longer mapped.</param>
/// <param name="ExternalAddress">Null: the router knows none that the world could reach.</param>
/// <param name="Method">pcp, nat-pmp or upnp; null: no longer mapped.</param>
internal sealed record PortMappingLine(
    string Protocol,
    int Port,
    int? ExternalPort,
    string? ExternalAddress,
    string? Method
) : JsonLine("port-mapping");

/// <param name="ExternalAddress">
/// Where the world sees us: what peers, trackers, the DHT and the router agree upon. Comes again when it changes; one for
/// each family.
/// </param>
internal sealed record ExternalAddressLine(string ExternalAddress) : JsonLine("external-address");

/// <param name="WantedSize">Bytes of the files that were chosen.</param>
internal sealed record MetadataLine(
    string? InfoHashV1,
    string? InfoHashV2,
    string Name,
    long Size,
    int Pieces,
    int PieceLength,
    string Format,
    bool Private,
    int Files,
    long WantedSize
) : JsonLine("metadata");

/// <summary>How others get what is shared here.</summary>
internal sealed record LinkLine(string Magnet, string? File, IReadOnlyList<string> Trackers) : JsonLine("link");

/// <summary>A file can be played from now on (<c>--stream</c>).</summary>
/// <param name="Url">On this machine, for as long as the command runs.</param>
/// <param name="File">Its place in the torrent.</param>
/// <param name="Type">Its media type.</param>
internal sealed record StreamingLine(string Url, int File, string Path, long Size, string Type) : JsonLine("streaming");

/// <summary>Where a link that can change leads: "resolved" the first time, "update" when it leads elsewhere.</summary>
/// <param name="PublicKey">Hexadecimal.</param>
/// <param name="Salt">Hexadecimal; null: none.</param>
/// <param name="Folder">Where the content goes.</param>
internal sealed record VersionLine(
    string Event,
    string PublicKey,
    string? Salt,
    long Sequence,
    string? InfoHashV1,
    string? InfoHashV2,
    string Folder
) : JsonLine(Event);

/// <summary>A link that stays the same was put into the DHT: once at the beginning, then about once an hour.</summary>
/// <param name="StoredAt">Nodes that took it.</param>
internal sealed record PublishedLine(
    string Magnet,
    string PublicKey,
    string? Salt,
    long Sequence,
    string? InfoHashV1,
    string? InfoHashV2,
    int StoredAt
) : JsonLine("published");

internal sealed record CheckingLine(int Checked, int Pieces) : JsonLine("checking");

/// <param name="Address">Address and port; of a web seed its URL, without credentials.</param>
/// <param name="Source">The one of the sources that says most.</param>
/// <param name="Sources">
/// How it was found: tracker, dht, pex, lsd, user, resume, holepunch; incoming: it called us; webseed: the torrent names it.
/// </param>
/// <param name="Transport">tcp or utp; http for a web seed.</param>
/// <param name="Encryption">none, header, rc4 or tls.</param>
/// <param name="Member">Who it has proven to be, in an invited swarm; null: nobody asked.</param>
/// <param name="Role">member, publisher or administrator; null as above.</param>
internal sealed record PeerLine(
    string Address,
    string Client,
    bool Outgoing,
    string Source,
    IReadOnlyList<string> Sources,
    string Transport,
    string Encryption,
    string? Member,
    string? Role
) : JsonLine("peer");

/// <param name="DhtSeeds">Of the whole swarm, as the DHT estimates it; null: unknown.</param>
/// <param name="DhtPeers">The same of peers that are no seeds.</param>
internal sealed record ProgressLine(
    string State,
    long Done,
    long Size,
    long DownloadRate,
    long UploadRate,
    int Peers,
    int Seeds,
    int WebSeeds,
    long Downloaded,
    long Uploaded,
    int PiecesDone,
    int Pieces,
    int? DhtSeeds,
    int? DhtPeers
) : JsonLine("progress");

/// <param name="Reason">Why it left, as a word.</param>
internal sealed record PeerGoneLine(string Address, string Reason, long Downloaded, long Uploaded)
    : JsonLine("peer-gone");

internal sealed record CompleteLine(
    long Size,
    long Downloaded,
    long Uploaded,
    long Wasted,
    int HashFailures,
    double Seconds,
    string? Path
) : JsonLine("complete");

/// <summary>The last line of a command that ran until it was stopped, or until its share was given back.</summary>
internal sealed record StoppedLine(string Reason, long Downloaded, long Uploaded, double Seconds) : JsonLine("stopped");

internal sealed record TorrentFileObject(
    string Path,
    long Size,
    long Offset,
    bool Pad,
    string? Symlink,
    bool Executable,
    bool Hidden,
    string? PiecesRoot
);

/// <param name="File">The .torrent that was written; null when it was only read.</param>
/// <param name="Nodes">HOST:PORT each.</param>
internal sealed record TorrentObject(
    string? File,
    string? InfoHashV1,
    string? InfoHashV2,
    string? Name,
    long? Size,
    int? PieceLength,
    int? Pieces,
    bool? Private,
    string? Format,
    IReadOnlyList<TorrentFileObject>? Files,
    IReadOnlyList<IReadOnlyList<string>> Trackers,
    IReadOnlyList<string> WebSeeds,
    IReadOnlyList<string> Nodes,
    string? Comment,
    string? CreatedBy,
    long? CreationDate,
    string? Source,
    string Magnet
) : JsonLine("torrent")
{
    /// <summary>Of a magnet link: addresses of peers in it.</summary>
    public IReadOnlyList<string> Peers { get; init; } = [];

    /// <summary>Of a magnet link that can change: its key, hexadecimal; else null.</summary>
    public string? PublicKey { get; init; }

    /// <summary>The salt that goes with it, hexadecimal; null: none.</summary>
    public string? Salt { get; init; }
}

internal sealed record VerifiedFileObject(string Path, long GoodBytes, long Size, bool Missing, bool TooLong);

internal sealed record VerifyObject(bool Complete, long GoodBytes, long Size, IReadOnlyList<VerifiedFileObject> Files)
    : JsonLine("verified");

/// <param name="Http">The first URL over HTTP; null: none.</param>
/// <param name="Udp">The first URL over UDP; null: none.</param>
internal sealed record TrackerLine(string? Http, string? Udp, IReadOnlyList<string> Urls) : JsonLine("listening");

internal sealed record TrackerStatsLine(int Torrents, int Peers, long Announces, long Scrapes, long Refused)
    : JsonLine("stats");

/// <summary>A daemon runs.</summary>
/// <param name="Socket">The path of its Unix socket.</param>
/// <param name="LoginUrl">Logs a browser in, once; only while nobody has been let in.</param>
internal sealed record DaemonReadyLine(
    int Port,
    string Socket,
    IReadOnlyList<string> Urls,
    string? LoginUrl,
    int Torrents
) : JsonLine("listening");

/// <summary>It has ended, with everything saved.</summary>
internal sealed record DaemonStoppedLine() : JsonLine("stopped");
