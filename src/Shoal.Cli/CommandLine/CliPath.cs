namespace Shoal.Cli;

/// <summary>Paths as they are typed.</summary>
internal static class CliPath
{
    /// <summary>The full path.</summary>
    /// <exception cref="UserErrorException">It is empty, as what stands for a variable that is not set.</exception>
    public static string Full(string path) =>
        path.Length > 0
            ? Path.GetFullPath(path)
            : throw UserErrorException.Usage("the name of a file or folder is empty: is a variable not set?");

    /// <summary>Makes the folder unless it is there, and returns its full path.</summary>
    /// <exception cref="UserErrorException">It cannot be made.</exception>
    public static string CreateFolder(string folder)
    {
        var full = Full(folder);
        try
        {
            return Directory.CreateDirectory(full).FullName;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UserErrorException("cannot-write", $"{folder}: {TorrentFile.Reason(error)}");
        }
    }
}
