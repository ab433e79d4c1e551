using Shoal.Engine;

namespace Shoal.Cli;

/// <summary>Makes torrents as the user's options say, and says what is wrong in one line.</summary>
internal static class TorrentMaking
{
    /// <summary>Makes the torrent in memory.</summary>
    /// <exception cref="UserErrorException">The content cannot be read; names the file.</exception>
    public static async Task<CreatedTorrent> MakeAsync(
        string path,
        CreationSettings settings,
        HashingView view,
        CancellationToken cancel
    )
    {
        try
        {
            return await TorrentCreator.CreateAsync(Existing(path), Options(settings), Progress(path, view), cancel);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException("cannot-create", error.Message.TrimEnd('.'));
        }
    }

    /// <summary>Makes the torrent and writes it; returns where it lies.</summary>
    /// <param name="output">A file, a folder, or null for NAME.torrent in this folder.</param>
    /// <exception cref="UserErrorException">The content cannot be read, or the file not be written.</exception>
    public static async Task<(CreatedTorrent Torrent, string File)> WriteAsync(
        string path,
        string? output,
        CreationSettings settings,
        HashingView view,
        CancellationToken cancel
    )
    {
        path = Existing(path);
        var file = OutputFile(path, output, settings);
        // Told now, not after an hour of hashing.
        if (Path.GetDirectoryName(CliPath.Full(file)) is { } folder && !Directory.Exists(folder))
        {
            throw new UserErrorException("cannot-write", $"{file}: there is no folder {folder}");
        }

        try
        {
            return (
                await TorrentCreator.CreateFileAsync(path, file, Options(settings), Progress(path, view), cancel),
                file
            );
        }
        catch (TorrentCreationException error)
        {
            throw new UserErrorException("cannot-create", error.Message.TrimEnd('.'));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException("cannot-write", $"{file}: {TorrentFile.Reason(error)}");
        }
    }

    /// <summary>Writes a torrent that was made in memory; the file appears whole or not at all.</summary>
    public static async Task<string> SaveAsync(
        CreatedTorrent torrent,
        string path,
        string output,
        CreationSettings settings,
        CancellationToken cancel
    )
    {
        var file = OutputFile(path, output, settings);
        var temporary = $"{file}.{Environment.ProcessId}.tmp";
        try
        {
            await File.WriteAllBytesAsync(temporary, torrent.Bytes, cancel);
            File.Move(temporary, file, overwrite: true);
            return file;
        }
        catch (Exception error)
        {
            File.Delete(temporary);
            if (error is IOException or UnauthorizedAccessException)
            {
                throw new UserErrorException("cannot-write", $"{file}: {TorrentFile.Reason(error)}");
            }

            throw;
        }
    }

    private static string OutputFile(string path, string? output, CreationSettings settings)
    {
        var name =
            (settings.Name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(CliPath.Full(path)))) + ".torrent";
        return output is null ? name
            : Directory.Exists(output) ? Path.Combine(output, name)
            : output;
    }

    private static string Existing(string path) =>
        Path.Exists(path) ? path : throw new UserErrorException("no-such-file", $"{path}: no such file or folder");

    private static CreateOptions Options(CreationSettings settings) =>
        new()
        {
            Format = settings.Format,
            PieceLength = settings.PieceLength,
            Name = settings.Name,
            Trackers = settings.Trackers,
            WebSeeds = settings.WebSeeds,
            IsPrivate = settings.IsPrivate,
            Comment = settings.Comment,
            Source = settings.Source,
            SslCertificate = settings.SslCertificate,
            CreatedBy = "Shoal/" + ShoalProgram.Version,
            CreationDate = settings.Date,
        };

    private static HashingProgressView Progress(string path, HashingView view) =>
        new(view, "Hashing", Path.GetFileName(Path.TrimEndingDirectorySeparator(path)));
}
