using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.InteropTests;

/// <summary>Folders and engines of one test: real sockets on loopback, real files, gone at the end.</summary>
internal sealed class EngineFixture : IAsyncDisposable
{
    /// <summary>Nothing here takes longer than a few seconds; a test that hangs fails.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private readonly string _root = Directory.CreateTempSubdirectory("shoal-engine-").FullName;
    private readonly List<TorrentEngine> _engines = [];
    private int _folders;

    public CancellationTokenSource Timeout { get; } = new(Patience);

    public string Folder() => Directory.CreateDirectory(Path.Combine(_root, $"{++_folders}")).FullName;

    public async Task<TorrentEngine> Start(Func<EngineOptions, EngineOptions>? change = null)
    {
        var options = new EngineOptions
        {
            StateDirectory = Folder(),
            Bind = [IPAddress.Loopback],
            UseTrackers = false,
            UseLsd = false,
        };
        var engine = await TorrentEngine.StartAsync(change?.Invoke(options) ?? options, Timeout.Token);
        _engines.Add(engine);
        return engine;
    }

    /// <summary>Writes the content of a torrent to a folder, as its files.</summary>
    public string Write(BuiltTorrent torrent)
    {
        var folder = Folder();
        foreach (var file in torrent.Metainfo.Files.Where(file => !file.IsPad && file.SymlinkTarget is null))
        {
            var path = Path.Combine(folder, file.Path);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, torrent.Content(file));
        }

        return folder;
    }

    public static void AssertSame(BuiltTorrent torrent, string folder)
    {
        foreach (var file in torrent.Metainfo.Files.Where(file => !file.IsPad && file.SymlinkTarget is null))
        {
            Assert.True(
                File.ReadAllBytes(Path.Combine(folder, file.Path)).AsSpan().SequenceEqual(torrent.Content(file)),
                $"{file.Path} differs"
            );
        }
    }

    public static IPEndPoint AddressOf(TorrentEngine engine) => new(IPAddress.Loopback, engine.Port);

    /// <summary>Starts a seed that has the content already.</summary>
    public async Task<TorrentEngine> Seed(BuiltTorrent torrent, Func<EngineOptions, EngineOptions>? change = null)
    {
        var seed = await Start(change);
        var added = await seed.AddAsync(
            torrent.Metainfo,
            new TorrentOptions { SaveDirectory = Write(torrent) },
            Timeout.Token
        );
        await added.WhenComplete(Timeout.Token);
        return seed;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var engine in _engines)
        {
            await engine.DisposeAsync();
        }

        Directory.Delete(_root, recursive: true);
        Timeout.Dispose();
    }
}
