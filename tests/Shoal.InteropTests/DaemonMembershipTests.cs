using System.Diagnostics;
using System.Security.Cryptography;
using Shoal.Api;
using Shoal.UnitTests;

namespace Shoal.InteropTests;

/// <summary>
/// Daemons as members of a publication, each as a program on a machine of its own: one seeds as the publisher, others join by the
/// API and by the command line, one is revoked in the middle, and a stranger with the .torrent and their addresses gets nothing.
/// </summary>
public sealed partial class DaemonMembershipTests
{
    private const string Name = "confidential-measurements-2026.bin";
    private const int Size = 12_000_000;
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Daemons_of_members_share_it_drop_the_revoked_and_tell_strangers_nothing()
    {
        await using var lab = await Lab.CreateAsync("member-daemons");
        var hub = await StartHubAsync(lab, "--receipts", "signed");
        var (publisher, content) = await AddPublisherAsync(lab, hub.Host);
        await using var origin = await StartAsync(publisher, "--upload-limit", "3MiB/s");
        await PublishAsync(publisher, hub.Host, content);
        var id = Assert.Single((await origin.Client.TorrentsAsync(null, None)).Items).Id;
        Assert.Equal(TorrentPhase.Seeding, (await origin.WaitCompleteAsync(id)).State);

        // By the API alone: join, look, add.
        var ada = await lab.AddHostAsync("ada");
        await using var first = await StartAsync(ada);
        var link = await InviteAsync(hub.Host, "Ada", "member");
        var joined = await first.Client.JoinAsync(new JoinPublication(link), None);
        Assert.Equal((MembershipState.Active, "member"), (joined.State, joined.Role));
        var published = await first.Client.CatalogueAsync(joined.Publication, None);
        var entry = Assert.Single(published.Entries);
        Assert.Equal((Name, (long)Size, null, null), (entry.Title, entry.Size, entry.Torrent, published.HubProblem));
        var agreed = await first.Client.GiveReceiptsAsync(joined.Publication, new ReceiptWish(true), None);
        Assert.Equal(("signed", "signed", 0), (agreed.Agreed, agreed.HubKeeps, agreed.Told.Count));
        var added = await first.Client.AddAsync(
            new AddTorrent
            {
                Publication = joined.Publication,
                Entry = entry.Id,
                SaveDirectory = ada.SubFolder("got"),
            },
            None
        );
        Assert.Equal((id, joined.Publication), (added.Id, added.Publication));

        // By the command, which lets the daemon do it.
        var ben = await lab.AddHostAsync("ben");
        await using var second = await StartAsync(ben, "--download-limit", "200KiB/s");
        await JoinAsync(ben, await InviteAsync(hub.Host, "Ben", "member"), "-o got --in-daemon");
        var outsider = await StartOutsiderAsync(lab, content, publisher, ada, ben);

        await first.WaitCompleteAsync(id);
        await AssertSameAsync(content, Path.Combine(ada.Folder, "got", Name));
        await AssertReceiptsAsync((first, ada), joined.Publication, publisher);
        await second.WaitAsync(id, item => item.Done > 300_000);
        var silent = await second.Client.ReceiptsAsync(joined.Publication, None);
        Assert.Equal((null, 0, 0), (silent.Agreed, silent.Told.Count, silent.AtHub.Count));
        await RevokeAsync(hub.Host, second);
        var since = Stopwatch.StartNew();
        var dropped = await second.WaitAsync(id, item => item.State == TorrentPhase.Failed);
        Assert.Contains("membership has ended", dropped.Error, StringComparison.Ordinal);
        foreach (var daemon in new[] { origin, first })
        {
            await WaitForPeersAsync(daemon, id, peers => !peers.Any(peer => IsAt(peer, ben)));
        }

        Assert.True(since.Elapsed < TimeSpan.FromSeconds(60), $"only after {since.Elapsed}");
        Console.WriteLine($"the revoked daemon was dropped {since.Elapsed.TotalSeconds:F1} s after the list");
        Assert.Equal(MembershipState.Ended, Assert.Single((await ListAsync(second)).Memberships).State);
        Assert.True(dropped.Done < Size, "it was too fast for this test");

        // Nor after a restart; and all this time the stranger has called all of them.
        await second.StopAsync();
        await using (var again = await StartAsync(ben))
        {
            await again.WaitAsync(id, item => item.State == TorrentPhase.Failed && item.Error!.Contains("has ended"));
        }

        Assert.DoesNotContain(outsider.Process.Lines, line => ShoalClient.IsEvent(line, "peer"));
        Assert.DoesNotContain(outsider.Process.Lines, line => line.Contains("\"done\":1", StringComparison.Ordinal));
        AssertNowhere(link, first, ada);
        await AssertLeavingAsync(hub.Host, (first, ada), (origin, publisher), id);
        await AssertSameAsync(content, Path.Combine(ada.Folder, "got", Name));
    }

    [Fact]
    public async Task Restarted_and_without_the_hub_they_go_on()
    {
        await using var lab = await Lab.CreateAsync("member-restart");
        var hub = await StartHubAsync(lab);
        var (publisher, content) = await AddPublisherAsync(lab, hub.Host);
        var origin = await StartAsync(publisher);
        await PublishAsync(publisher, hub.Host, content);
        var id = Assert.Single((await origin.Client.TorrentsAsync(null, None)).Items).Id;
        await origin.WaitCompleteAsync(id);
        var ada = await lab.AddHostAsync("ada");
        var member = await StartAsync(ada, "--download-limit", "1MiB/s");
        await JoinAsync(ada, await InviteAsync(hub.Host, "Ada", "member"), "-o got --in-daemon");
        await member.WaitAsync(id, item => item.Done > 2_000_000);
        // Joined and restarted, it knows its publication, and goes on where it was.
        await member.StopAsync();
        await member.DisposeAsync();
        await hub.Process.StopAsync();
        await origin.StopAsync();
        await origin.DisposeAsync();
        await using var originAgain = await StartAsync(publisher);
        await originAgain.WaitCompleteAsync(id);
        await using var memberAgain = await StartAsync(ada);
        await memberAgain.Client.AddPeersAsync(id, new AddPeers([publisher.EndPoint]), None);
        var complete = await memberAgain.WaitCompleteAsync(id);
        // Not all over again, but for what was on its way at the end.
        Assert.InRange(complete.Downloaded, Size - 1_000_000, Size + 1_000_000);
        await AssertSameAsync(content, Path.Combine(ada.Folder, "got", Name));
        var membership = Assert.Single((await ListAsync(memberAgain)).Memberships);
        Assert.Equal((MembershipState.Active, 1), (membership.State, membership.Torrents));
        Assert.Contains("hub", membership.Problem, StringComparison.Ordinal);
        // What is known of before.
        var published = await memberAgain.Client.CatalogueAsync(membership.Publication, None);
        Assert.Equal((Name, id), (Assert.Single(published.Entries).Title, published.Entries[0].Torrent));
        Assert.NotNull(published.HubProblem);

        // Without its membership it is opened for nobody.
        await memberAgain.StopAsync();
        Directory.Delete(Path.Combine(ada.SubFolder("state"), "memberships"), recursive: true);
        await using var bare = await StartAsync(ada);
        var closed = await bare.WaitAsync(id, item => item.State == TorrentPhase.Failed);
        Assert.Contains("the membership is not in the state folder", closed.Error, StringComparison.Ordinal);
        Assert.Equal("", (await bare.Client.TorrentAsync(id, None)).Magnet);
    }

    [Fact]
    public async Task Only_who_may_change_settings_joins_and_what_is_no_invitation_is_never_repeated()
    {
        using var folder = new StateFolder();
        await using var daemon = await DaemonProcess.StartAsync(folder.State);
        const string Link = "https://hub.example:7450/join#AbhQBncFdNUmRntfb3UE31pioMCU2D8WuKQMOQ";
        var refused = await Assert.ThrowsAsync<DaemonException>(() =>
            daemon.Client.JoinAsync(new JoinPublication(Link), None)
        );
        Assert.Equal("bad-invitation", refused.Code);
        Assert.DoesNotContain("AbhQBncF", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("AbhQBncF", new JoinPublication(Link).ToString(), StringComparison.Ordinal);
        refused = await Assert.ThrowsAsync<DaemonException>(() =>
            daemon.Client.UnlockAsync("nothing", new UnlockMembership("guess"), None)
        );
        Assert.Equal("no-such-membership", refused.Code);
        refused = await Assert.ThrowsAsync<DaemonException>(() =>
            daemon.Client.AddAsync(new AddTorrent { Entry = "Genomes" }, None)
        );
        Assert.Equal("bad-value", refused.Code);

        var token = await daemon.Client.CreateTokenAsync(new NewToken("friend", AccessScope.Control), None);
        using var friend = new DaemonClient(new DaemonAddress { Url = new Uri(daemon.Url), Token = token.Secret });
        Assert.Empty((await friend.MembershipsAsync(None)).Memberships);
        refused = await Assert.ThrowsAsync<DaemonException>(() => friend.JoinAsync(new JoinPublication(Link), None));
        Assert.Equal("scope", refused.Code);
        refused = await Assert.ThrowsAsync<DaemonException>(() =>
            friend.GiveReceiptsAsync("nothing", new ReceiptWish(true), None)
        );
        Assert.Equal("scope", refused.Code);
        refused = await Assert.ThrowsAsync<DaemonException>(() => friend.LeaveAsync("nothing", new LeaveWish(), None));
        Assert.Equal("scope", refused.Code);
        refused = await Assert.ThrowsAsync<DaemonException>(() =>
            friend.UnlockAsync("nothing", new UnlockMembership("guess"), None)
        );
        Assert.Equal("scope", refused.Code);
    }

    [Fact]
    public async Task A_file_and_its_passphrase_make_a_daemon_a_member_without_a_hub()
    {
        const string Words = "abcde-fghij-klmno-pqrst-uvwxy";
        using var folder = new StateFolder();
        using var world = new OfflineFixture(DateTimeOffset.UtcNow);
        await using var daemon = await DaemonProcess.StartAsync(folder.State);
        var file = OfflineFixture.Close(world.Invitation().Write(), Words);
        var wish = new JoinByFile(Convert.ToBase64String(file), Words);
        Assert.DoesNotContain(Words, wish.ToString(), StringComparison.Ordinal);
        async Task<string> RefusedAsync(DaemonClient client, JoinByFile body)
        {
            var refused = await Assert.ThrowsAsync<DaemonException>(() => client.JoinByFileAsync(body, None));
            Assert.DoesNotContain(Words, refused.Message, StringComparison.Ordinal);
            return refused.Code;
        }

        Assert.Equal("wrong-passphrase", await RefusedAsync(daemon.Client, wish with { Passphrase = "guess" }));
        Assert.Equal("bad-value", await RefusedAsync(daemon.Client, wish with { File = "%" }));
        Assert.Equal("bad-invitation", await RefusedAsync(daemon.Client, wish with { File = "AAAA" }));
        var half = Convert.ToBase64String(file.AsSpan(0, file.Length / 2));
        Assert.Equal("bad-invitation", await RefusedAsync(daemon.Client, wish with { File = half }));
        using var past = new OfflineFixture(DateTimeOffset.UtcNow.AddDays(-60));
        var old = OfflineFixture.Close(past.Invitation().Write(), Words);
        Assert.Equal(
            "bad-invitation",
            await RefusedAsync(daemon.Client, wish with { File = Convert.ToBase64String(old) })
        );
        var token = await daemon.Client.CreateTokenAsync(new NewToken("friend", AccessScope.Control), None);
        using var friend = new DaemonClient(new DaemonAddress { Url = new Uri(daemon.Url), Token = token.Secret });
        Assert.Equal("scope", await RefusedAsync(friend, wish));
        Assert.Empty((await ListAsync(daemon)).Memberships);

        var joined = await daemon.Client.JoinByFileAsync(wish, None);
        Assert.Equal((MembershipState.Active, world.Member.ToString()), (joined.State, joined.Member));
        // The same again changes nothing.
        Assert.Equal(joined.Publication, (await daemon.Client.JoinByFileAsync(wish, None)).Publication);
        Assert.Single((await ListAsync(daemon)).Memberships);
        Assert.DoesNotContain(daemon.Process.Lines, line => line.Contains(Words, StringComparison.Ordinal));
        foreach (var path in Directory.EnumerateFiles(folder.State, "*", SearchOption.AllDirectories))
        {
            if (new FileInfo(path).Length > 0)
            {
                using var text = new StreamReader(File.Open(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
                Assert.DoesNotContain(Words, await text.ReadToEndAsync(), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_key_under_a_passphrase_waits_until_the_daemon_is_told()
    {
        await using var lab = await Lab.CreateAsync("member-locked");
        var hub = await StartHubAsync(lab);
        var (publisher, content) = await AddPublisherAsync(lab, hub.Host);
        await using var origin = await StartAsync(publisher);
        await PublishAsync(publisher, hub.Host, content);
        var ada = await lab.AddHostAsync("ada");
        var words = Path.Combine(ada.Folder, "words");
        await File.WriteAllTextAsync(words, "correct horse");
        File.SetUnixFileMode(words, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await JoinAsync(
            ada,
            await InviteAsync(hub.Host, "Ada", "member"),
            "--no-fetch --protect --passphrase-file words"
        );
        await using var member = await StartAsync(ada);
        var locked = Assert.Single((await ListAsync(member)).Memberships);
        Assert.Equal(MembershipState.Locked, locked.State);
        var wish = new AddTorrent
        {
            Publication = locked.Publication,
            Entry = Name,
            SaveDirectory = ada.SubFolder("got"),
        };
        var refused = await Assert.ThrowsAsync<DaemonException>(() => member.Client.AddAsync(wish, None));
        Assert.Equal("membership-locked", refused.Code);
        refused = await Assert.ThrowsAsync<DaemonException>(() =>
            member.Client.UnlockAsync(locked.Publication, new UnlockMembership("guess"), None)
        );
        Assert.Equal("wrong-passphrase", refused.Code);
        string[] unlock = ["member", "unlock", "--passphrase-file", words, "--state", ada.SubFolder("state")];
        await ada.RunAsync(Tools.Shoal, unlock);
        var id = (await member.Client.AddAsync(wish, None)).Id;
        await member.WaitCompleteAsync(id);

        // The next start knows no passphrase: nothing of it is opened, and it says why.
        await member.StopAsync();
        await using var again = await StartAsync(ada);
        var closed = await again.WaitAsync(id, item => item.State == TorrentPhase.Failed);
        Assert.Contains("passphrase", closed.Error, StringComparison.Ordinal);
        await ada.RunAsync(Tools.Shoal, unlock);
        await again.WaitCompleteAsync(id);
        await AssertSameAsync(content, Path.Combine(ada.Folder, "got", Name));
    }

    private static async Task<(Host Host, ClientProcess Process)> StartHubAsync(Lab lab, params string[] more)
    {
        var host = await lab.AddHostAsync("hub");
        string[] options = ["--host", host.Address, "--announce-interval", "5s", "--state", host.SubFolder("state")];
        var hub = host.Start(Tools.Shoal, ["hub", .. options, .. more]);
        await hub.WaitForLineAsync(line => line.StartsWith("Hub at https://", StringComparison.Ordinal), Patience);
        return (host, hub);
    }

    /// <summary>A member that may publish, and what it will.</summary>
    private static async Task<(Host Host, string Content)> AddPublisherAsync(Lab lab, Host hub)
    {
        var publisher = await lab.AddHostAsync("publisher");
        var content = Path.Combine(publisher.SubFolder("data"), Name);
        await File.WriteAllBytesAsync(content, RandomNumberGenerator.GetBytes(Size));
        await JoinAsync(publisher, await InviteAsync(hub, "Pia", "publisher"), "--no-fetch");
        return (publisher, content);
    }

    private static Task<DaemonProcess> StartAsync(Host host, params string[] options) =>
        DaemonProcess.StartAsync(host, options);

    private static Task<string> PublishAsync(Host publisher, Host hub, string content) =>
        publisher.RunAsync(
            Tools.Shoal,
            ["publish", content, "--hub", $"{hub.Address}:7450", "--in-daemon", "--state", publisher.SubFolder("state")]
        );

    private static async Task<string> InviteAsync(Host hub, string name, string role)
    {
        string[] options = ["--name", name, "--role", role, "--state", hub.SubFolder("state")];
        return (await hub.RunAsync(Tools.Shoal, ["invite", "create", .. options])).Trim();
    }

    private static async Task JoinAsync(Host host, string link, string options)
    {
        await File.WriteAllTextAsync(Path.Combine(host.Folder, "link"), link);
        var join = host.Start(
            "/bin/sh",
            "-c",
            $"exec '{Tools.Shoal}' join - {options} --json --bind {host.Address} --state '{host.SubFolder("state")}' < link"
        );
        Assert.Equal(0, await join.WaitForExitAsync(Patience));
        File.Delete(Path.Combine(host.Folder, "link"));
    }

    private static async Task RevokeAsync(Host hub, DaemonProcess daemon)
    {
        var member = Assert.Single((await ListAsync(daemon)).Memberships).Member!;
        await hub.RunAsync(Tools.Shoal, ["member", "revoke", member, "--state", hub.SubFolder("state")]);
    }

    private static Task<MembershipList> ListAsync(DaemonProcess daemon) => daemon.Client.MembershipsAsync(None);

    private static async Task<RunningClient> StartOutsiderAsync(Lab lab, string content, params Host[] members)
    {
        var outsider = await lab.AddHostAsync("outsider");
        var torrent = Path.Combine(lab.Folder, "stolen.torrent");
        await Lab.RunAsync(Tools.Shoal, ["create", content, "-o", torrent, "--no-date"]);
        return ShoalClient.Start(
            outsider,
            [
                "get",
                torrent,
                "-o",
                outsider.SubFolder("got"),
                .. members.SelectMany(member => (string[])["--peer", member.EndPoint]),
            ]
        );
    }

    private static bool IsAt(PeerItem peer, Host host) =>
        peer.Address.StartsWith(host.Address + ":", StringComparison.Ordinal);

    private static async Task WaitForPeersAsync(
        DaemonProcess daemon,
        string id,
        Func<IReadOnlyList<PeerItem>, bool> wanted
    )
    {
        var clock = Stopwatch.StartNew();
        while (!wanted((await daemon.Client.PeersAsync(id, None)).Peers))
        {
            Assert.True(clock.Elapsed < Patience, "its peers are not as they should be");
            await Task.Delay(100);
        }
    }

    /// <summary>The invitation stands in nothing that the daemon said or wrote.</summary>
    private static void AssertNowhere(string link, DaemonProcess daemon, Host host)
    {
        var secret = link.Split('#')[1];
        Assert.DoesNotContain(daemon.Process.Lines, line => line.Contains(secret, StringComparison.Ordinal));
        foreach (
            var file in Directory
                .EnumerateFiles(host.SubFolder("state"), "*", SearchOption.AllDirectories)
                .Where(file => new FileInfo(file).Length > 0)
        )
        {
            // Some are being written.
            using var text = new StreamReader(File.Open(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            Assert.DoesNotContain(secret, text.ReadToEnd(), StringComparison.Ordinal);
        }
    }

    private static async Task AssertSameAsync(string one, string other)
    {
        var (here, there) = (await File.ReadAllBytesAsync(one), await File.ReadAllBytesAsync(other));
        Assert.True(SHA256.HashData(here).SequenceEqual(SHA256.HashData(there)), $"{other} differs");
    }
}
