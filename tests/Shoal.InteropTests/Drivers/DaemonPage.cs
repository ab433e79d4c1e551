namespace Shoal.InteropTests;

/// <summary>A daemon and a browser that is logged in, for all tests of a class, which leave the page as they found it.</summary>
/// <param name="name">Of the lab.</param>
/// <param name="width">Of the page, in CSS pixels.</param>
/// <param name="height">Of the page, in CSS pixels.</param>
/// <param name="network">The first three bytes of all addresses.</param>
public abstract class DaemonPage(string name, int width, int height, string network = "10.99.0") : IAsyncLifetime
{
    private Lab? _lab;
    private DaemonProcess? _daemon;
    private Browser? _browser;

    internal Lab Lab => _lab!;
    internal DaemonProcess Daemon => _daemon!;
    internal Browser Browser => _browser!;

    /// <summary>Where the daemon may write.</summary>
    internal string Folder { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        _lab = await Lab.CreateAsync(name, network);
        var host = await _lab.AddHostAsync("daemon");
        Folder = host.SubFolder("got");
        _daemon = await DaemonProcess.StartAsync(host, "--set", $"folders.download={Folder}");
        _browser = await WebPage.OpenAsync(host, _daemon, width: width, height: height);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        if (_daemon is not null)
        {
            await _daemon.DisposeAsync();
        }

        if (_lab is not null)
        {
            await _lab.DisposeAsync();
        }
    }
}
