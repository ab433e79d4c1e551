namespace Shoal.InteropTests;

/// <summary>rtorrent as a daemon. It refuses torrents without a tracker, and is told of peers by it.</summary>
internal sealed class RtorrentClient : IClient
{
    public string Name => "rtorrent";

    public bool KnowsPadFiles => false;

    public Task<RunningClient> SeedAsync(Host host, Sample sample, string folder) =>
        Task.FromResult(Start(host, sample.File, folder));

    public Task<RunningClient> GetAsync(Host host, Sample sample, bool magnet, string folder, params string[] peers) =>
        Task.FromResult(Start(host, magnet ? sample.Magnet : sample.File, folder));

    private static RunningClient Start(Host host, string source, string folder)
    {
        var settings = Path.Combine(host.Folder, "rtorrent.rc");
        File.WriteAllText(
            settings,
            $$"""
            system.daemon.set = true
            network.bind_address.set = {{host.Address}}
            network.port_range.set = {{Host.Port}}-{{Host.Port}}
            network.port_random.set = no
            dht.mode.set = disable
            protocol.pex.set = yes
            session.path.set = "{{host.SubFolder("session")}}"
            directory.default.set = "{{folder}}"
            method.set_key = event.download.finished, say, "execute2={sh,-c,echo \"finished $0\" >>finished,$d.name=}"
            load.start = "{{source}}"
            """ + "\n"
        );
        var process = host.Start("rtorrent", "-n", "-o", $"import={settings}");
        var mark = Path.Combine(host.Folder, "finished");
        return new(process, patience => WaitCompleteAsync(process, mark, patience));
    }

    private static async Task WaitCompleteAsync(ClientProcess process, string mark, TimeSpan patience)
    {
        using var deadline = new CancellationTokenSource(patience);
        // A magnet's metadata finishes first, under the name HASH.meta.
        while (
            !File.Exists(mark) || !File.ReadLines(mark).Any(line => !line.EndsWith(".meta", StringComparison.Ordinal))
        )
        {
            if (process.HasExited || deadline.IsCancellationRequested)
            {
                throw process.Failure("is not complete");
            }
            await Task.Delay(100);
        }
    }
}
