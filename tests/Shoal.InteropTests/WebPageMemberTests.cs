using System.Security.Cryptography;
using Shoal.Api;

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
        await FetchAsync(browser, membership);
        var id = Assert.Single((await first.Client.TorrentsAsync(null, None)).Items).Id;
        await first.WaitCompleteAsync(id);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(ada.Folder, "got", Name)));
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
        await other.ClickAsync("dialog [type=submit]");
        await ManagedPage.WaitForAsync(other, "member of no publication");
        Assert.Empty((await second.Client.MembershipsAsync(None)).Memberships);
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
