using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>A torrent, and the content it was made of.</summary>
/// <param name="File">The .torrent file.</param>
/// <param name="Content">The file or folder it describes.</param>
/// <param name="InfoHash">Its name on the wire: the v1 hash if it has one, else the truncated v2 hash, in hex.</param>
/// <param name="Magnet">A magnet link with its tracker.</param>
/// <param name="Pads">Pad files: path below the content's parent, and size.</param>
internal sealed record Sample(
    string File,
    string Content,
    string InfoHash,
    string Magnet,
    IReadOnlyList<(string Path, long Size)> Pads
)
{
    public string Name => Path.GetFileName(Content);

    /// <summary>The folder that holds the content.</summary>
    public string Parent => Path.GetDirectoryName(Content)!;

    public long Size =>
        System.IO.File.Exists(Content)
            ? new FileInfo(Content).Length
            : new DirectoryInfo(Content).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    /// <summary>Reads a .torrent with libtorrent: what we write must mean the same to others.</summary>
    public static async Task<Sample> ReadAsync(string file, string content) =>
        Parse(file, content, await Lab.RunAsync(Tools.Python, [Tools.Script("libtorrent_torrent.py"), "show", file]));

    /// <summary>Makes a torrent with libtorrent.</summary>
    public static async Task<Sample> CreateAsync(string file, string content, string format) =>
        Parse(
            file,
            content,
            await Lab.RunAsync(
                Tools.Python,
                [
                    Tools.Script("libtorrent_torrent.py"),
                    "create",
                    file,
                    "--content",
                    content,
                    "--format",
                    format,
                    "--tracker",
                    Lab.TrackerUrl,
                ]
            )
        );

    private static Sample Parse(string file, string content, string json)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        var hash = root.GetProperty("v1").GetString() ?? root.GetProperty("v2").GetString()![..40];
        var pads = root.GetProperty("files")
            .EnumerateArray()
            .Where(entry => entry.GetProperty("pad").GetBoolean())
            .Select(entry => (entry.GetProperty("path").GetString()!, entry.GetProperty("size").GetInt64()))
            .ToList();
        return new Sample(file, content, hash, root.GetProperty("magnet").GetString()!, pads);
    }
}
