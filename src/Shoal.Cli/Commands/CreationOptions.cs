using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>What the user says about a torrent that is to be made.</summary>
internal sealed record CreationSettings
{
    public required TorrentFormat Format { get; init; }

    /// <summary>Bytes; null: by the size of the content.</summary>
    public int? PieceLength { get; init; }

    /// <summary>BEP 12 tiers.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Trackers { get; init; } = [];

    public IReadOnlyList<string> WebSeeds { get; init; } = [];

    public bool IsPrivate { get; init; }

    /// <summary>Null: the name of the file or folder.</summary>
    public string? Name { get; init; }

    public string? Comment { get; init; }

    public string? Source { get; init; }

    /// <summary>In PEM; empty: everybody can take part.</summary>
    public ReadOnlyMemory<byte> SslCertificate { get; init; }

    /// <summary>Seconds since 1970; null: none.</summary>
    public long? Date { get; init; }
}

/// <summary>The options that create and share have in common.</summary>
internal sealed class CreationOptions
{
    private readonly Option<string?> _format = Options.Choice(
        "--format",
        "Which clients can use it; hybrid (default) is for all",
        "v1",
        "v2",
        "hybrid"
    );

    private readonly Option<long?> _pieceLength = Options.Size(
        "--piece-length",
        "A power of two from 16KiB to 512MiB (default: by the size of the content)"
    );

    private readonly Option<List<string>> _trackers = Options.Values(
        "--tracker",
        "URL",
        "A tracker; each is a tier of its own, commas within one value make one tier",
        "a list of http, https or udp URLs with commas between",
        static (string text, out string value) =>
        {
            value = text;
            return Tier(text) is { Count: > 0 } tier && tier.All(url => IsUrl(url, "http", "https", "udp"));
        }
    );

    private readonly Option<List<string>> _webSeeds = Options.Values(
        "--web-seed",
        "URL",
        "An HTTP server that has the content",
        "an http or https URL",
        static (string text, out string value) =>
        {
            value = text;
            return IsUrl(text, "http", "https");
        }
    );

    private readonly Option<bool> _private = Options.Flag("--private", "Peers only from the trackers (BEP 27)");

    private readonly Option<string?> _name = Options.Text(
        "--name",
        "NAME",
        "What to call it (default: the name of the file or folder)"
    );

    private readonly Option<string?> _comment = Options.Text("--comment", "TEXT", "A note in the torrent");

    private readonly Option<string?> _source = Options.Text(
        "--source",
        "TEXT",
        "The \"source\" field: makes the infohash differ between trackers"
    );

    private readonly Option<long?> _date = Options.Value(
        "--date",
        "UNIXTIME",
        "The creation date, for output that is the same each time (default: now)",
        "a number of seconds since 1970",
        static (string text, out long value) =>
            long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value)
    );

    private readonly Option<string?> _sslCertificate = Options.Text(
        "--ssl-cert",
        "FILE",
        "Only for who has a certificate that this one signed (PEM): an SSL torrent, as libtorrent knows them"
    );

    private readonly Option<bool> _noDate = Options.Flag("--no-date", "No creation date");

    public CreationOptions(ShoalCommand command)
    {
        command.AddGroup(
            "Torrent options",
            [
                _format,
                _pieceLength,
                _trackers,
                _webSeeds,
                _private,
                _name,
                _comment,
                _source,
                _sslCertificate,
                _date,
                _noDate,
            ]
        );
    }

    /// <exception cref="UserErrorException">Values that do not go together.</exception>
    public CreationSettings Read(ParseResult result, CliHost host)
    {
        var format = result.GetValue(_format) switch
        {
            "v1" => TorrentFormat.V1,
            "v2" => TorrentFormat.V2,
            _ => TorrentFormat.Hybrid,
        };
        if (result.GetValue(_noDate) && result.GetValue(_date) is not null)
        {
            throw UserErrorException.Usage("--date and --no-date exclude each other");
        }

        return new CreationSettings
        {
            Format = format,
            PieceLength = PieceLength(result),
            Trackers = [.. (result.GetValue(_trackers) ?? []).Select(Tier)],
            WebSeeds = result.GetValue(_webSeeds) ?? [],
            IsPrivate = result.GetValue(_private),
            Name = Name(result),
            Comment = result.GetValue(_comment),
            Source = result.GetValue(_source),
            SslCertificate = SslCertificate(result),
            Date = result.GetValue(_noDate)
                ? null
                : result.GetValue(_date) ?? host.Time.GetUtcNow().ToUnixTimeSeconds(),
        };
    }

    private byte[] SslCertificate(ParseResult result)
    {
        if (result.GetValue(_sslCertificate) is not { } file)
        {
            return [];
        }

        try
        {
            // As others read it: only what is a certificate goes into the torrent.
            using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(file));
            return Encoding.ASCII.GetBytes(certificate.ExportCertificatePem() + "\n");
        }
        catch (Exception exception)
            when (exception is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException("bad-certificate", $"{file}: no certificate in PEM: {exception.Message}");
        }
    }

    private static List<string> Tier(string text) =>
        [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

    private static bool IsUrl(string text, params string[] schemes) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && schemes.Contains(url.Scheme) && url.Host.Length > 0;

    // The format allows any length for v1, but other clients do not: one rule for all three.
    private int? PieceLength(ParseResult result) =>
        result.GetValue(_pieceLength) switch
        {
            null => null,
            >= PieceLayout.BlockSize
            and <= PieceLayout.MaxPieceLength
            and var length when System.Numerics.BitOperations.IsPow2(length) => (int)length,
            var length => throw UserErrorException.Usage(
                $"--piece-length: {ByteSize.Format(length.Value)} is not a power of two from 16 KiB to 512 MiB"
            ),
        };

    private string? Name(ParseResult result)
    {
        var name = result.GetValue(_name);
        return
            name is null
            || (name.Length > 0 && PathSanitizer.Sanitize(Encoding.UTF8.GetBytes(name), PathRules.Windows) == name)
            ? name
            : throw UserErrorException.Usage($"--name: '{name}' cannot be the name of a file on every system");
    }
}
