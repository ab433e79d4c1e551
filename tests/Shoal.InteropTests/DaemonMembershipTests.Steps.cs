using System.Diagnostics;
using Shoal.Api;

namespace Shoal.InteropTests;

// Long steps of the tests.
public sealed partial class DaemonMembershipTests
{
    /// <summary>What a daemon received is told, its copy can be challenged, and all of that is shown and taken back.</summary>
    private static async Task AssertReceiptsAsync(
        (DaemonProcess Daemon, Host Host) member,
        string publication,
        Host publisher
    )
    {
        var clock = Stopwatch.StartNew();
        ReceiptReport report;
        while ((report = await member.Daemon.Client.ReceiptsAsync(publication, None)).AtHub is not [{ Complete: true }])
        {
            Assert.True(clock.Elapsed < Patience, "the hub has no receipt");
            await Task.Delay(200);
        }

        var told = Assert.Single(report.Told);
        Assert.Equal((true, Size), (told.Complete, told.Bytes));
        Assert.Equal(Size, report.AtHub[0].FromOrigin + report.AtHub[0].FromMembers);
        Assert.True(report.AtHub[0].Signed);
        string[] state = ["--json", "--state", publisher.SubFolder("state")];
        var challenge = publisher.Start(
            Tools.Shoal,
            ["custody", "challenge", Name, "--data", "data", "--wait", "30s", .. state]
        );
        Assert.Equal(0, await challenge.WaitForExitAsync(Patience));
        Assert.Contains(challenge.Lines, line => line.Contains("\"proven\"", StringComparison.Ordinal));
        report = await member.Daemon.Client.ReceiptsAsync(publication, None);
        Assert.True(Assert.Single(report.Answered).Complete);

        // The command of the same state folder takes it back for the daemon too.
        await member.Host.RunAsync(
            Tools.Shoal,
            ["member", "receipts", "--off", "--state", member.Host.SubFolder("state")]
        );
        report = await member.Daemon.Client.ReceiptsAsync(publication, None);
        Assert.Equal((null, 0, 0), (report.Agreed, report.Told.Count, report.AtHub.Count));
    }

    /// <summary>Both give it up, one by the API, the other by the command; one of them comes back.</summary>
    private static async Task AssertLeavingAsync(
        Host hub,
        (DaemonProcess Daemon, Host Host) member,
        (DaemonProcess Daemon, Host Host) publisher,
        string id
    )
    {
        var publication = Assert.Single((await ListAsync(member.Daemon)).Memberships).Publication;
        var folder = Path.Combine(member.Host.SubFolder("state"), "memberships", publication);
        Assert.True(Directory.Exists(folder));
        Assert.Equal(
            new LeftMembership(publication, AtHub: true, Problem: null),
            await member.Daemon.Client.LeaveAsync(publication, new LeaveWish(), None)
        );
        Assert.False(Directory.Exists(folder));
        Assert.Empty((await ListAsync(member.Daemon)).Memberships);
        var left = await member.Daemon.WaitAsync(id, item => item.State == TorrentPhase.Failed);
        Assert.True(left.Paused);
        Assert.Contains("you gave up the membership", left.Error, StringComparison.Ordinal);
        // Peers and hub have heard it.
        await WaitForPeersAsync(publisher.Daemon, id, peers => peers.Count == 0);
        var published = await publisher.Daemon.Client.CatalogueAsync(publication, None);
        Assert.Equal(1, Assert.Single(published.Entries).Complete);
        var refused = await Assert.ThrowsAsync<DaemonException>(() =>
            member.Daemon.Client.LeaveAsync(publication, new LeaveWish(Remove: true), None)
        );
        Assert.Equal("no-such-membership", refused.Code);

        // Another invitation, another key, and what was paused waits for its user.
        var again = await member.Daemon.Client.JoinAsync(
            new JoinPublication(await InviteAsync(hub, "Ada", "member")),
            None
        );
        Assert.Equal((MembershipState.Active, 1), (again.State, again.Torrents));
        await member.Daemon.WaitAsync(id, item => item is { State: TorrentPhase.Paused, Error: null });
        await member.Daemon.Client.ChangeAsync(id, new TorrentChange { Paused = false }, None);
        await member.Daemon.WaitAsync(id, item => item.State == TorrentPhase.Seeding);

        // The hub knows who left by it, and that a publisher has something there.
        refused = await Assert.ThrowsAsync<DaemonException>(() =>
            publisher.Daemon.Client.LeaveAsync(publication, new LeaveWish(), None)
        );
        Assert.Equal("has-published", refused.Code);
        Assert.Equal(MembershipState.Active, Assert.Single((await ListAsync(publisher.Daemon)).Memberships).State);
        string[] forget = ["member", "forget", "--remove", "--with-published"];
        await publisher.Host.RunAsync(Tools.Shoal, [.. forget, "--state", publisher.Host.SubFolder("state")]);
        Assert.Empty((await ListAsync(publisher.Daemon)).Memberships);
        Assert.Empty((await publisher.Daemon.Client.TorrentsAsync(null, None)).Items);
    }
}
