using Shoal.Engine;
using Shoal.Files;

namespace Shoal.Daemon;

/// <summary>
/// The daemon's part of the state folder, readable by its owner only, and the right to use it: one daemon at a time.
/// docs/formats/library.md says what lies there.
/// </summary>
internal sealed class StateFolder : IDisposable
{
    // sockaddr_un has 108 bytes on Linux and 104 on macOS, with the zero at the end.
    private const int MaxSocketPath = 103;

    private readonly FileLock _lock;

    private StateFolder(string root, string folder, FileLock taken)
    {
        Root = root;
        Folder = folder;
        _lock = taken;
    }

    /// <summary>The engine's state is here.</summary>
    public string Root { get; }
    public string Folder { get; }
    public string Settings => Path.Combine(Folder, "settings.toml");
    public string Journal => Path.Combine(Folder, "library.journal");
    public string Tokens => Path.Combine(Folder, "tokens.json");
    public string Categories => Path.Combine(Folder, "categories.json");
    public string Certificate => Path.Combine(Folder, "tls.pem");
    public string Feeds => Path.Combine(Folder, "feeds.json");
    public string IpFilters => Path.Combine(Folder, "ip-filters");
    public string Torrents => Path.Combine(Folder, "torrents");
    public string Socket => Path.Combine(Folder, "socket");

    /// <exception cref="DaemonStartException">It cannot be used, or another daemon uses it.</exception>
    public static StateFolder Take(string root)
    {
        root = Path.GetFullPath(root);
        var folder = Path.Combine(root, "daemon");
        try
        {
            Create(folder);
            if (FileLock.TryTake(Path.Combine(folder, "lock")) is not { } taken)
            {
                throw new DaemonStartException(
                    "already-running",
                    $"a daemon runs with the state folder '{root}' already"
                );
            }

            var state = new StateFolder(root, folder, taken);
            if (System.Text.Encoding.UTF8.GetByteCount(state.Socket) > MaxSocketPath)
            {
                state.Dispose();
                throw new DaemonStartException(
                    "state-folder",
                    $"the path '{state.Socket}' is too long for a socket: choose a shorter --state"
                );
            }

            Create(state.Torrents);
            // Of a daemon that was killed: nobody has it now, since we have the lock.
            File.Delete(state.Socket);
            foreach (var own in new[] { state.Folder, state.Torrents, state.IpFilters })
            {
                PrivateFiles.Sweep(own);
            }

            return state;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DaemonStartException(
                "state-folder",
                $"cannot use the state folder '{root}': {error.Message}",
                error
            );
        }
    }

    public void Dispose() => _lock.Dispose();

    private static void Create(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            return;
        }

        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(folder, owner);
        // Also where it was there before: keys lie in it, and a socket that lets everybody in who reaches it.
        File.SetUnixFileMode(folder, owner);
    }
}
