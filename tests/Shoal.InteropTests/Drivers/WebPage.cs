using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>What several tests do in the daemon's page.</summary>
internal static class WebPage
{
    /// <summary>Of the first torrent of the list.</summary>
    public const string Row = "document.querySelector('.torrents .rows [role=row]')";

    /// <summary>Writes what the page looks like into this folder, for docs.</summary>
    private static readonly string? Screenshots = Environment.GetEnvironmentVariable("SHOAL_SCREENSHOTS");

    /// <summary>Somebody wants them.</summary>
    public static bool TakesPictures => Screenshots is not null;

    /// <summary>A browser in the page, logged in by a link.</summary>
    public static async Task<Browser> OpenAsync(
        Host host,
        DaemonProcess daemon,
        string? link = null,
        int width = 1280,
        int height = 800
    )
    {
        var browser = await Browser.StartAsync(host, width, height);
        link ??= daemon.Ready.GetProperty("loginUrl").GetString();
        await browser.OpenAsync(link!);
        await browser.ClickAsync("button", "Log in on this browser");
        await browser.WaitAsync("location.pathname === '/' && document.querySelector('footer')");
        return browser;
    }

    /// <summary>A torrent of a folder, made and shared by the daemon.</summary>
    public static async Task<string> MakeAsync(DaemonProcess daemon, NewCreation wish)
    {
        var creation = await daemon.Client.CreateAsync(wish, CancellationToken.None);
        while (creation.State is CreationState.Queued or CreationState.Hashing)
        {
            await Task.Delay(50);
            creation = await daemon.Client.CreationAsync(creation.Id, CancellationToken.None);
        }

        Assert.Equal(CreationState.Done, creation.State);
        return creation.Torrent!;
    }

    public static async Task ShootAsync(Browser browser, string name)
    {
        if (Screenshots is not null)
        {
            Directory.CreateDirectory(Screenshots);
            await File.WriteAllBytesAsync(Path.Combine(Screenshots, name), await browser.ScreenshotAsync());
        }
    }

    /// <summary>The browser tells of the call that came before the login, and has nothing else to complain of.</summary>
    public static void AssertQuiet(Browser browser) =>
        Assert.All(browser.Complaints, complaint => Assert.Contains("401", complaint, StringComparison.Ordinal));
}
