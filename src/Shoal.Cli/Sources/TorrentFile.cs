using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>Reads .torrent files from the disk.</summary>
internal static class TorrentFile
{
    /// <exception cref="UserErrorException">The file cannot be read, or is no torrent; names the file.</exception>
    public static async Task<Metainfo> LoadAsync(string path, CancellationToken cancel) =>
        Parse(await ReadAsync(path, cancel), path);

    /// <exception cref="UserErrorException">The file cannot be read; names the file.</exception>
    public static async Task<byte[]> ReadAsync(string path, CancellationToken cancel)
    {
        byte[]? bytes;
        try
        {
            if (Directory.Exists(path))
            {
                throw new UserErrorException("not-a-torrent", $"{path}: this is a folder, not a torrent file");
            }

            // A fifo or a device has no length to trust, so it is read like a download.
            await using var file = new FileStream(
                path,
                new FileStreamOptions { Options = FileOptions.Asynchronous | FileOptions.SequentialScan }
            );
            bytes = await BoundedRead.AllAsync(file, MetainfoLimits.Default.MaxBytes, cancel);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UserErrorException("no-such-file", $"{path}: no such file");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UserErrorException("unreadable", $"{path}: {Reason(error)}");
        }

        return bytes
            ?? throw new UserErrorException(
                "too-large",
                $"{path}: larger than a torrent may be ({ByteSize.Format(MetainfoLimits.Default.MaxBytes)})"
            );
    }

    /// <param name="bytes">The file's content.</param>
    /// <param name="source">What to call it in the message.</param>
    public static Metainfo Parse(byte[] bytes, string source) =>
        MetainfoReader.TryRead(bytes, MetainfoLimits.Default, out var metainfo, out var error)
            ? metainfo
            : throw new UserErrorException(
                "not-a-torrent",
                bytes.Length == 0 ? $"{source}: the file is empty" : $"{source}: {error.Message}"
            );

    /// <summary>The folder that --data names.</summary>
    public static string DataFolder(string folder) =>
        Directory.Exists(folder)
            ? CliPath.Full(folder)
            : throw new UserErrorException("no-such-folder", $"--data {folder}: no such folder");

    /// <summary>What the system said, without the path that the message names anyway.</summary>
    public static string Reason(Exception error) =>
        error switch
        {
            UnauthorizedAccessException => "permission denied",
            FileNotFoundException or DirectoryNotFoundException => "no such file or folder",
            PathTooLongException => "the path is too long",
            // .NET puts the path behind, which may be that of a temporary file; the caller names what the user knows.
            _ => error.Message.Split(" : '")[0].TrimEnd('.'),
        };
}
