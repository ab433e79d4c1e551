using System.Buffers;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// What is remembered of a publication between runs, in the state folder (<c>publications/TARGET</c>): the newest item, so
/// that no older one is believed later and ours can be put again, and into which folder each version went. A file that
/// cannot be read or proven says nothing. Safe to use from any thread; writes when something changes.
/// </summary>
/// <remarks>
/// { "item": { "seq", "sig", "v" }, "places": [ [ torrent, folder ], ... ] }, the version placed last at the
/// end; "v" and "torrent" are bencoded values (<see cref="PublishedTorrent"/>) as strings.
/// </remarks>
internal sealed class PublicationFile
{
    /// <summary>Versions whose folders are remembered. Beyond it the one placed longest ago is forgotten.</summary>
    private const int MaxPlaces = 256;

    /// <summary>Longest file that is looked at, in bytes: the places with paths of 4 KB, and an item.</summary>
    private const int MaxBytes = MaxPlaces * 5 * 1024;

    private static readonly BencodeLimits Limits = new() { MaxDepth = 4, MaxTokens = 4 * MaxPlaces };

    private readonly Lock _lock = new();
    private readonly PublicationName _name;
    private readonly string _path;
    private readonly List<Place> _places = [];
    private DhtItem? _item;

    private readonly record struct Place(InfoHashes Torrent, string Folder);

    public PublicationFile(string stateDirectory, PublicationName name)
    {
        _name = name;
        var target = DhtItem.TargetOf(name.Key.Span, name.Salt.Span);
        _path = Path.Combine(stateDirectory, "publications", target.ToString());
        Load();
    }

    /// <summary>The newest item seen; null if there is none, or if its signature does not fit.</summary>
    public DhtItem? Item(SignatureVerifier verify)
    {
        lock (_lock)
        {
            return _item is { } item && item.HasGoodSignature(verify) ? item : null;
        }
    }

    /// <summary>Remembers an item that was proven.</summary>
    public void Save(DhtItem item)
    {
        lock (_lock)
        {
            _item = item;
            Write();
        }
    }

    /// <inheritdoc cref="PublicationFeed.FolderFor"/>
    public string FolderFor(PublishedVersion version, string directory)
    {
        directory = FileStorage.Normalize(directory);
        lock (_lock)
        {
            var there = _places.FindAll(place => place.Folder == directory || IsUpdateIn(place.Folder, directory));
            var known = there.FindLastIndex(place => PublicationWatch.IsSame(place.Torrent, version.InfoHashes));
            if (known >= 0)
            {
                return there[known].Folder;
            }

            var folder =
                there.Count == 0
                    ? directory
                    : Path.Combine(directory, FormattableString.Invariant($"{UpdatePrefix}{version.Sequence}"));
            _places.Add(new Place(version.InfoHashes, folder));
            if (_places.Count > MaxPlaces)
            {
                _places.RemoveAt(0);
            }

            Write();
            return folder;
        }
    }

    private const string UpdatePrefix = "update-";

    private static bool IsUpdateIn(string folder, string directory) =>
        Path.GetDirectoryName(folder) == directory
        && Path.GetFileName(folder).StartsWith(UpdatePrefix, StringComparison.Ordinal);

    private void Load()
    {
        try
        {
            var file = new FileInfo(_path);
            if (
                file.Exists
                && file.Length <= MaxBytes
                && BencodeDocument.TryParse(
                    File.ReadAllBytes(_path),
                    BencodeMode.Strict,
                    Limits,
                    out var document,
                    out _
                )
            )
            {
                Read(document.Root);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Without it we begin anew.
        }
    }

    private void Read(BencodeNode root)
    {
        var item = root.Find("item"u8);
        if (
            item.Find("seq"u8).TryGetInteger(out var sequence)
            && sequence >= 0
            && item.Find("sig"u8).Bytes is { Length: Ed25519.SignatureSize } signature
            && item.Find("v"u8).TryGetBytes(out var value)
        )
        {
            var proof = new KrpcSignature(_name.Key.ToArray(), sequence, signature.ToArray());
            _item = new DhtItem(value.ToArray(), proof, _name.Salt.ToArray());
        }

        foreach (var entry in root.Find("places"u8).Elements)
        {
            var names = new List<byte[]>(2);
            foreach (var part in entry.Elements)
            {
                names.Add(part.Bytes.ToArray());
            }

            if (
                names is [var torrent, var path]
                && PublishedTorrent.TryRead(torrent, out var hashes)
                && System.Text.Encoding.UTF8.GetString(path) is { Length: > 0 } folder
                && !folder.Contains('\0')
                && Path.IsPathFullyQualified(folder)
                && Path.GetFullPath(folder) == folder
                && _places.Count < MaxPlaces
            )
            {
                _places.Add(new Place(hashes, FileStorage.Normalize(folder)));
            }
        }
    }

    private void Write()
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        if (_item is { Signature: { } signature } item)
        {
            writer.String("item"u8);
            writer.BeginDictionary();
            writer.Entry("seq"u8, signature.Sequence);
            writer.Entry("sig"u8, signature.Signature);
            writer.Entry("v"u8, item.Value);
            writer.End();
        }

        writer.String("places"u8);
        writer.BeginList();
        foreach (var place in _places)
        {
            writer.BeginList();
            writer.String(PublishedTorrent.Write(place.Torrent));
            writer.String(place.Folder);
            writer.End();
        }

        writer.End();
        writer.End();
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
            using (var file = File.Create(_path + ".new"))
            {
                file.Write(output.WrittenSpan);
                file.Flush(flushToDisk: true);
            }

            File.Move(_path + ".new", _path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // This run knows it; the next one must learn it again.
        }
    }
}
