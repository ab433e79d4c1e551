using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>The daemon's page in Debian's Chromium, with a real daemon and a real peer.</summary>
public sealed class WebPageTests(Library library)
{
    [Fact]
    public async Task A_torrent_is_dropped_watched_limited_and_removed_with_its_data()
    {
        var sample = await library.DataAsync("v1");
        await using var lab = await Lab.CreateAsync("page");
        var (near, far) = (await lab.AddHostAsync("seed"), await lab.AddHostAsync("daemon"));
        var seed = await new LibtorrentClient().SeedAsync(near, sample, sample.Parent);
        var target = far.SubFolder("got");
        await using var daemon = await DaemonProcess.StartAsync(
            far,
            "--set",
            $"folders.download={target}",
            "--download-limit",
            "2MiB/s"
        );
        await using var browser = await Browser.StartAsync(far);

        // Without a login there is only the way to it.
        await browser.OpenAsync(daemon.Url);
        await browser.WaitAsync("location.pathname === '/login'");
        await browser.OpenAsync(daemon.Ready.GetProperty("loginUrl").GetString()!);
        await browser.ClickAsync("button", "Log in on this browser");
        await browser.WaitAsync("location.pathname === '/' && document.querySelector('.empty')");

        await browser.DropAsync(sample.File);
        await browser.FillAsync("dialog [name=labels]", "data, <b>bold</b>");
        await browser.ClickAsync("dialog button", "Add");
        await browser.WaitAsync($"{WebPage.Row}.textContent.includes({Browser.Quote(sample.Name)})");
        await daemon.Client.AddPeersAsync(sample.InfoHash, new AddPeers([near.EndPoint]), CancellationToken.None);
        await browser.WaitAsync($"/[1-9]/.test({WebPage.Row}.querySelector('.bar').getAttribute('aria-valuenow'))");
        await browser.WaitAsync($"{WebPage.Row}.querySelector('.state').textContent === 'Downloading'");
        // Names and labels are text, whatever they look like.
        Assert.Equal(
            "<b>bold</b>",
            (string?)await browser.EvaluateAsync($"{WebPage.Row}.querySelectorAll('.label')[1].textContent")
        );

        await browser.ClickAsync(".torrents .rows .name");
        await browser.ClickAsync("[role=tab]", "Peers");
        await browser.WaitAsync("document.querySelector('.peers .rows').textContent.includes('libtorrent')");
        await browser.ClickAsync("[role=tab]", "Files");
        await browser.WaitAsync("document.querySelectorAll('.files .rows [role=row]').length > 1");
        // A priority, of a file and of a whole folder.
        await browser.ClickAsync($"button[aria-label={Browser.Quote($"Folder {sample.Name}/small")}]");
        await browser.EvaluateAsync(
            $"(() => {{ const e = document.querySelector({Browser.Quote($"select[aria-label='Priority of {sample.Name}/small']")}); e.value = 'high'; e.dispatchEvent(new Event('change', {{ bubbles: true }})); }})()"
        );
        await browser.WaitAsync(
            $"document.querySelector({Browser.Quote($"select[aria-label='Priority of {sample.Name}']")}).value === 'mixed'"
        );
        Assert.Equal(
            300,
            (await daemon.Client.FilesAsync(sample.InfoHash, CancellationToken.None)).Files.Count(file =>
                file.Priority == FileWish.High
            )
        );

        await browser.ClickAsync("footer button");
        await browser.FillAsync("dialog label:nth-of-type(1) input", "");
        await browser.ClickAsync("dialog button", "Save");
        await browser.WaitAsync($"{WebPage.Row}.querySelector('.state').textContent === 'Seeding'");
        await daemon.WaitCompleteAsync(sample.InfoHash);
        Assert.Equal(0, (await daemon.Client.StatusAsync(CancellationToken.None)).DownloadLimit);
        await seed.StopAsync();
        DataSet.AssertSame(sample.Content, Path.Combine(target, sample.Name));

        await browser.EvaluateAsync("document.querySelector('.torrents').focus()");
        await browser.PressAsync("p");
        await browser.WaitAsync($"{WebPage.Row}.querySelector('.state').textContent === 'Paused'");
        await browser.PressAsync("Delete");
        await browser.ClickAsync("dialog input[name=data]");
        await browser.ClickAsync("dialog button", "Remove with files");
        await browser.WaitAsync("document.querySelector('.empty')");
        for (var i = 0; Directory.Exists(Path.Combine(target, sample.Name)); i++)
        {
            Assert.True(i < 200, "its files are still there");
            await Task.Delay(50);
        }

        await browser.ClickAsync("button", "Log out");
        await browser.WaitAsync("location.pathname === '/login'");
        // What the page asked of the torrent while it went is not there any more.
        Assert.All(browser.Complaints, complaint => Assert.Matches("40[14]", complaint));
    }
}
