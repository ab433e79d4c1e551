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
}
