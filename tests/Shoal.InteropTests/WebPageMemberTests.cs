using System.Diagnostics;
using System.Security.Cryptography;
using Shoal.Api;
using Shoal.UnitTests;

namespace Shoal.InteropTests;

/// <summary>Publications for invited people in the daemon's page: with a real hub, and a daemon that publishes there.</summary>
public sealed class WebPageMemberTests
{
    private const string Name = "measurements.bin";
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task An_invitation_is_accepted_what_is_published_fetched_a_key_unlocked_and_a_membership_left()
    {
        await using var lab = await Lab.CreateAsync("page-member");
        var hub = await Invited.StartHubAsync(lab);
        var publisher = await lab.AddHostAsync("publisher");
        var content = Path.Combine(publisher.SubFolder("data"), Name);
        var bytes = RandomNumberGenerator.GetBytes(300_000);
        await File.WriteAllBytesAsync(content, bytes);
        await Invited.InviteAsync(hub, publisher, "publisher");
        Assert.Equal(0, await Invited.Join(publisher, "--no-fetch").WaitForExitAsync(DaemonProcess.Patience));
        await using var origin = await DaemonProcess.StartAsync(publisher);
        await publisher.RunAsync(
            Tools.Shoal,
            ["publish", content, "--hub", $"{hub.Address}:7450", "--in-daemon", "--state", publisher.SubFolder("state")]
        );

        // By the page alone: joined, looked, fetched.
        var ada = await lab.AddHostAsync("ada");
        await using var first = await DaemonProcess.StartAsync(
            ada,
            "--set",
            $"folders.download={ada.SubFolder("got")}"
        );
        await using var browser = await WebPage.OpenAsync(ada, first, width: Axe.PhoneWidth, height: Axe.PhoneHeight);
        await ManagedPage.OpenAsync(browser, "Memberships");
        await ManagedPage.WaitForAsync(browser, "member of no publication");
        await browser.ClickAsync("dialog button", "Accept an invitation");
        await browser.FillAsync("dialog [name=invitation]", "https://example.com/");
        await browser.ClickAsync("dialog [type=submit]");
        await browser.WaitAsync($"{ManagedPage.Front}.querySelector('.notices .problem')");
        await Invited.InviteAsync(hub, ada, "member");
        await browser.FillAsync(
            "dialog [name=invitation]",
            (await File.ReadAllTextAsync(Path.Combine(ada.Folder, "link"))).Trim()
        );
        await ManagedPage.SubmitAsync(browser, "Accept an invitation");
        await ManagedPage.WaitForAsync(browser, "member · as ");
        var membership = Assert.Single((await first.Client.MembershipsAsync(None)).Memberships);
        Assert.Equal((MembershipState.Active, "member"), (membership.State, membership.Role));
        await AgreeAsync(browser, membership);
        await FetchAsync(browser, membership);
        var id = Assert.Single((await first.Client.TorrentsAsync(null, None)).Items).Id;
        await first.WaitCompleteAsync(id);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(ada.Folder, "got", Name)));
        await ReadReceiptsAsync(browser, first, membership);
        await using (var publishing = await WebPage.OpenAsync(publisher, origin))
        {
            await publishing.ClickAsync("header button", "Manage");
            await publishing.ClickAsync("dialog [role=tab]", "Memberships");
            await publishing.ClickAsync("dialog .things button", "Receipts");
            await ManagedPage.WaitForAsync(
                publishing,
                "300 kB served by you · 0 B by members · 1 complete copy of 1 member that tells"
            );
            ManagedPage.AssertQuiet(publishing);
        }

        await browser.ClickAsync("dialog button", "Take back all that was told");
        await ManagedPage.WaitForAsync(browser, "Nobody is told what you receive.");
        var report = await first.Client.ReceiptsAsync(membership.Publication, None);
        Assert.Equal((null, 0, 0), (report.Agreed, report.Told.Count, report.AtHub.Count));
        await browser.PressAsync("Escape");
        ManagedPage.AssertQuiet(browser);

        // A key under a passphrase waits until it is told.
        var ben = await lab.AddHostAsync("ben");
        await Invited.InviteAsync(hub, ben, "member");
        var words = Path.Combine(ben.Folder, "words");
        await File.WriteAllTextAsync(words, "correct horse");
        File.SetUnixFileMode(words, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var join = Invited.Join(ben, "--no-fetch --protect --passphrase-file words");
        Assert.Equal(0, await join.WaitForExitAsync(DaemonProcess.Patience));
        await using var second = await DaemonProcess.StartAsync(ben);
        await using var other = await WebPage.OpenAsync(ben, second);
        await other.ClickAsync("header button", "Manage");
        await other.ClickAsync("dialog [role=tab]", "Memberships");
        await other.ClickAsync("dialog .things button", "Unlock");
        await other.FillAsync("dialog [name=passphrase]", "correct horse");
        await other.ClickAsync("dialog [type=submit]");
        await other.WaitAsync("document.querySelectorAll('dialog').length === 1");
        await ManagedPage.WaitForAsync(other, "Catalogue");
        Assert.Equal(
            MembershipState.Active,
            Assert.Single((await second.Client.MembershipsAsync(None)).Memberships).State
        );

        // Left.
        await other.ClickAsync("dialog .things button", "Leave");
        await ManagedPage.SubmitAsync(other, "Leave publication");
        await ManagedPage.WaitForAsync(other, "member of no publication");
        Assert.Empty((await second.Client.MembershipsAsync(None)).Memberships);
        var members = await hub.RunAsync(Tools.Shoal, ["member", "list", "--state", hub.SubFolder("state")]);
        Assert.Matches("member  ben  \\(no member since ", members);
        Assert.Matches("member  ada  \\(since ", members);
    }

    [Fact]
    public async Task The_file_of_an_invitation_is_accepted_and_left_while_the_hub_is_away()
    {
        const string Words = "abcde-fghij-klmno-pqrst-uvwxy";
        await using var lab = await Lab.CreateAsync("page-file");
        var host = await lab.AddHostAsync("daemon");
        await using var daemon = await DaemonProcess.StartAsync(host);
        using var world = new OfflineFixture(DateTimeOffset.UtcNow);
        var file = Path.Combine(host.Folder, "eve.invitation");
        await File.WriteAllBytesAsync(file, OfflineFixture.Close(world.Invitation().Write(), Words));
        await using var browser = await WebPage.OpenAsync(host, daemon, width: Axe.PhoneWidth, height: Axe.PhoneHeight);
        await ManagedPage.OpenAsync(browser, "Memberships");
        await browser.ClickAsync("dialog button", "Accept an invitation");
        await browser.ChooseAsync("dialog [name=file]", file);
        await browser.FillAsync("dialog [name=passphrase]", "guess");
        await browser.ClickAsync("dialog [type=submit]");
        await browser.WaitAsync($"{ManagedPage.Front}.querySelector('.notices .problem')");
        Assert.Empty((await daemon.Client.MembershipsAsync(None)).Memberships);
        await browser.FillAsync("dialog [name=passphrase]", Words);
        await ManagedPage.SubmitAsync(browser, "Accept an invitation");
        await ManagedPage.WaitForAsync(browser, $"member · as {world.Member}");
        Assert.False((bool)(await browser.EvaluateAsync($"document.documentElement.outerHTML.includes('{Words}')"))!);

        await browser.ClickAsync("dialog .things button", "Receipts");
        await ManagedPage.WaitForAsync(browser, "Nobody is told what you receive. The hub does not answer.");
        await browser.PressAsync("Escape");
        await ManagedPage.WaitTitleAsync(browser, "Manage");
        await browser.ClickAsync("dialog .things button", "Leave");
        await ManagedPage.SubmitAsync(browser, "Leave publication");
        await ManagedPage.WaitForAsync(browser, "member of no publication");
        await ManagedPage.WaitForAsync(browser, "the hub was not told (");
        ManagedPage.AssertQuiet(browser);
    }

    /// <summary>Sees that nothing is told, and agrees that it is from now on.</summary>
    private static async Task AgreeAsync(Browser browser, MembershipItem membership)
    {
        await OpenReceiptsAsync(browser, membership);
        await ManagedPage.WaitForAsync(browser, "Nobody is told what you receive. The hub keeps two sums");
        await browser.ClickAsync("dialog button", "Tell from now on");
        await ManagedPage.WaitForAsync(browser, "you agreed to sums");
        await browser.PressAsync("Escape");
        await ManagedPage.WaitTitleAsync(browser, "Manage");
    }

    /// <summary>All that was told stands there, and what the hub has of it.</summary>
    private static async Task ReadReceiptsAsync(Browser browser, DaemonProcess daemon, MembershipItem membership)
    {
        for (var wait = Stopwatch.StartNew(); ; await Task.Delay(100))
        {
            var report = await daemon.Client.ReceiptsAsync(membership.Publication, None);
            if (report.AtHub is [{ Complete: true }])
            {
                break;
            }

            Assert.True(wait.Elapsed < DaemonProcess.Patience, "the hub has no receipt");
        }

        await OpenReceiptsAsync(browser, membership);
        await ManagedPage.WaitForAsync(
            browser,
            $"{Name}300 kB received · 300 kB from its publisher · all of it is here"
        );
        await ManagedPage.WaitForAsync(
            browser,
            "300 kB from its publisher · 0 B from members · all of it is here · without your name"
        );
        await Axe.CheckAllWaysAsync(browser, "receipts");
    }

    private static async Task OpenReceiptsAsync(Browser browser, MembershipItem membership)
    {
        await browser.ClickAsync("dialog .things button", "Receipts");
        await ManagedPage.WaitTitleAsync(browser, $"Receipts for {membership.Hub} ({membership.Publication[..8]})");
    }

    private static async Task FetchAsync(Browser browser, MembershipItem membership)
    {
        await browser.ClickAsync("dialog .things button", "Catalogue");
        await ManagedPage.WaitTitleAsync(browser, $"Catalogue of {membership.Hub} ({membership.Publication[..8]})");
        await ManagedPage.WaitForAsync(browser, Name);
        await Axe.CheckAllWaysAsync(browser, "catalogue");
        await browser.ClickAsync($"button[aria-label='Add {Name}']");
        await ManagedPage.WaitForAsync(browser, "in the list of torrents");
        await browser.PressAsync("Escape");
        await ManagedPage.WaitForAsync(browser, "1 torrent");
    }
}
