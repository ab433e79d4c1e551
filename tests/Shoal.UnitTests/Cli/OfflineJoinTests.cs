using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.UnitTests;

/// <summary>Joining by a file, with no hub anywhere.</summary>
public sealed class OfflineJoinTests : IDisposable
{
    private const string Passphrase = "abcde-fghij-klmno-pqrst-uvwxy";

    private readonly TempFolder _folder = new();
    private readonly OfflineFixture _world = new(DateTimeOffset.UtcNow);

    public void Dispose()
    {
        _world.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_file_and_its_passphrase_make_a_member_without_a_hub()
    {
        var file = Write(_world.Invitation().Write());
        var run = await JoinAsync(file, Passphrase);
        Assert.Equal(0, run.Exit);
        Assert.StartsWith("You are a member at 127.0.0.1:1.", run.Out, StringComparison.Ordinal);
        using var membership = LocalMembership.Load(Membership);
        Assert.Equal(_world.Member, membership.Grant.Member);
        Assert.Equal(2, membership.ReadContent()!.Peers.Count);
        // The same again, as after a fetch that was stopped.
        Assert.Equal(0, (await JoinAsync(file, Passphrase)).Exit);
        // Where the hub is away, what the file named is there; here an entry that nobody signed, so nothing.
        var catalogue = await CliRun.With(null, _folder["state"], "catalogue");
        Assert.Equal((0, "Nothing is published yet.\n"), (catalogue.Exit, catalogue.Out));
        Assert.Contains("going on with what is known of before", catalogue.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_passphrase_and_a_changed_file_open_nothing()
    {
        var file = Write(_world.Invitation().Write());
        (await JoinAsync(file, "guess")).IsOneLine(1, "not its passphrase");
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[^40] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        (await JoinAsync(file, Passphrase)).IsOneLine(1, "was changed");
        await File.WriteAllBytesAsync(file, bytes[..(bytes.Length / 2)]);
        (await JoinAsync(file, Passphrase)).IsOneLine(1, "damaged");
        // Nobody can be asked, and nothing is waited for.
        (await CliRun.With(null, _folder["state"], "join", file)).IsOneLine(2, "--passphrase-file");
        Assert.False(Directory.Exists(_folder["state/memberships"]));
    }

    [Fact]
    public async Task A_file_that_has_expired_or_is_no_invitation_says_so()
    {
        using var past = new OfflineFixture(DateTimeOffset.UtcNow.AddDays(-60));
        (await JoinAsync(Write(past.Invitation(TimeSpan.FromDays(30)).Write()), Passphrase)).IsOneLine(
            1,
            "has expired"
        );
        using var future = new OfflineFixture(DateTimeOffset.UtcNow.AddDays(60));
        (await JoinAsync(Write(future.Invitation().Write()), Passphrase)).IsOneLine(1, "not valid yet", "clock");
        (await JoinAsync(Write("d1:ai1ee"u8.ToArray()), Passphrase)).IsOneLine(1, "no invitation");
        var text = _folder.Write("text.txt", "good morning"u8.ToArray());
        (await JoinAsync(text, Passphrase)).IsOneLine(2, "this is no invitation");
        var cut = _folder.Write("link.txt", "https://hub.example:7450/join\n"u8.ToArray());
        (await JoinAsync(cut, Passphrase)).IsOneLine(2, "cut off");
    }

    [Fact]
    public async Task A_key_is_protected_from_the_first_on_and_commands_ask_for_it()
    {
        var file = Write(_world.Invitation().Write());
        Assert.Equal(0, (await JoinAsync(file, Passphrase, "--protect")).Exit);
        Assert.True(LocalMembership.Look(Membership).IsProtected);
        var state = _folder["state"];
        (await CliRun.With(null, state, "catalogue")).IsOneLine(2, "--passphrase-file");
        (await CliRun.With("guess\n", state, "catalogue", "--passphrase-file", "-")).IsOneLine(1, "not its passphrase");
        Assert.Equal(0, (await CliRun.With(Passphrase, state, "catalogue", "--passphrase-file", "-")).Exit);
        (await CliRun.With(Passphrase, state, "member", "protect")).IsOneLine(1, "unprotect");
        Assert.Equal(0, (await CliRun.With(Passphrase, state, "member", "unprotect", "--passphrase-file", "-")).Exit);
        Assert.False(LocalMembership.Look(Membership).IsProtected);
        (await CliRun.With(null, state, "member", "unprotect")).IsOneLine(1, "no passphrase");
        Assert.Equal(0, (await CliRun.With("other", state, "member", "protect", "--passphrase-file", "-")).Exit);
        Assert.True(LocalMembership.Look(Membership).IsProtected);
        Assert.Equal(0, (await CliRun.With(null, state, "member", "forget")).Exit);
        (await CliRun.With(null, state, "catalogue")).IsOneLine(1, "no member");
    }

    [Fact]
    public async Task A_passphrase_comes_from_a_file_that_others_cannot_read()
    {
        var file = Write(_world.Invitation().Write());
        var open = _folder.Write("open", System.Text.Encoding.ASCII.GetBytes(Passphrase + "\n"));
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(open, UnixFileMode.UserRead | UnixFileMode.OtherRead);
            (await CliRun.With(null, _folder["state"], "join", file, "--passphrase-file", open)).IsOneLine(
                1,
                "chmod 600"
            );
            File.SetUnixFileMode(open, UnixFileMode.UserRead);
        }

        var run = await CliRun.With(null, _folder["state"], "join", file, "--no-fetch", "--passphrase-file", open);
        Assert.Equal(0, run.Exit);
    }

    [Fact]
    public async Task An_expired_membership_and_a_lost_key_say_what_to_do()
    {
        using var past = new OfflineFixture(DateTimeOffset.UtcNow.AddDays(-40));
        Assert.True(OfflineInvitation.TryRead(past.Invitation().Write(), past.Now, out var old, out _));
        var folder = LocalMembership.FolderOf(_folder["state"], past.Authority.Publication);
        LocalMembership.Create(folder, old, new HubAddress("127.0.0.1", 1), past.Now).Dispose();
        (await CliRun.With(null, _folder["state"], "catalogue")).IsOneLine(
            1,
            "expired on",
            "'shoal join'",
            "new invitation"
        );
        LocalMembership.Forget(folder);
        Assert.Equal(0, (await JoinAsync(Write(_world.Invitation().Write()), Passphrase)).Exit);
        File.Delete(Path.Combine(Membership, "member.key"));
        (await CliRun.With(null, _folder["state"], "catalogue")).IsOneLine(
            1,
            "member.key is missing",
            "new invitation"
        );
        // A new invitation takes the place of what is worth nothing.
        Assert.Equal(0, (await JoinAsync(Write(_world.Invitation().Write()), Passphrase)).Exit);
        LocalMembership.Load(Membership).Dispose();
    }

    [Fact]
    public async Task Options_that_mean_nothing_together_are_refused()
    {
        (await CliRun.Of("invite", "create", "--offline", "x", "--qr")).IsOneLine(2, "--qr goes with a link");
        (await CliRun.Of("invite", "create", "--offline", "x", "--uses", "3")).IsOneLine(2, "--uses goes with a link");
        (await CliRun.Of("invite", "create", "--peer", "a:1")).IsOneLine(2, "go with --offline");
        (await CliRun.Of("invite", "create", "--offline", "x", "--peer", "a")).IsOneLine(2, "'a' is not HOST:PORT");
        var table = _folder.Write("people.csv", "name\nAda\n"u8.ToArray());
        (await CliRun.Of("invite", "import", table, "--offline", "x", "--qr", "y")).IsOneLine(
            2,
            "--qr goes with a link"
        );
        (await CliRun.Of("publish", "x", "--passphrase-file", "y")).IsOneLine(2, "goes with --hub");
    }

    private string Membership => LocalMembership.FolderOf(_folder["state"], _world.Authority.Publication);

    private string Write(byte[] secret) => _folder.Write("eve.invitation", OfflineFixture.Close(secret, Passphrase));

    private Task<CliRun> JoinAsync(string file, string passphrase, params string[] more) =>
        CliRun.With(
            passphrase + "\n",
            _folder["state"],
            ["join", file, "--no-fetch", "--passphrase-file", "-", .. more]
        );
}
