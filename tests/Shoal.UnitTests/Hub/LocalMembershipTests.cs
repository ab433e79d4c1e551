using System.Security.Cryptography;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.UnitTests;

/// <summary>A membership as it lies on a disk: under a passphrase, half written, lost.</summary>
public sealed class LocalMembershipTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly TempFolder _folder = new();
    private readonly OfflineFixture _world = new(Now);

    public void Dispose()
    {
        _world.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_key_under_a_passphrase_is_nowhere_in_clear_and_opens_with_it_only()
    {
        var protection = KeyProtection.Of("correct horse", isDrawn: true);
        using (var membership = Create(protection))
        {
            using var next = membership.PrepareNextKey();
            AssertNowhere(membership.Identity.Export());
            AssertNowhere(next.Export());
        }

        Assert.Equal("passphrase-needed", CodeOf(() => LocalMembership.Load(Folder)));
        Assert.Equal(
            "wrong-passphrase",
            CodeOf(() => LocalMembership.Load(Folder, () => KeyProtection.Of("guess", isDrawn: true)))
        );
        Assert.True(LocalMembership.Look(Folder).IsProtected);
        using var again = LocalMembership.Load(Folder, () => protection);
        Assert.Equal(_world.Member, again.Grant.Member);
        AssertOwnerOnly();
    }

    [Fact]
    public void A_key_can_be_put_under_a_passphrase_later_and_taken_from_under_it()
    {
        using var membership = Create(null);
        var key = membership.Identity.Export();
        using var next = membership.PrepareNextKey();
        membership.Protect(KeyProtection.Of("x", isDrawn: true));
        AssertNowhere(key);
        AssertNowhere(next.Export());
        using (var loaded = LocalMembership.Load(Folder, () => KeyProtection.Of("x", isDrawn: true)))
        {
            // The key that the hub may know already is the same one.
            using var same = loaded.PrepareNextKey();
            Assert.Equal(next.PublicKey.ToArray(), same.PublicKey.ToArray());
            loaded.Protect(null);
        }

        using var plain = LocalMembership.Load(Folder);
        Assert.Equal(key, plain.Identity.Export());
        AssertOwnerOnly();
    }

    [Fact]
    public void A_key_for_joining_waits_under_the_passphrase_too()
    {
        KeyProtection? protection = KeyProtection.Of("x", isDrawn: true);
        using var identity = LocalMembership.PrepareKey(Folder, new InvitationId(1), null, ref protection);
        AssertNowhere(identity.Export());
        KeyProtection? found = null;
        using var again = LocalMembership.PrepareKey(
            Folder,
            new InvitationId(1),
            () => KeyProtection.Of("x", isDrawn: true),
            ref found
        );
        Assert.Equal(identity.PublicKey.ToArray(), again.PublicKey.ToArray());
        Assert.NotNull(found);
    }

    [Fact]
    public void A_given_key_gives_way_to_our_own_wherever_the_power_fails()
    {
        using var membership = Create(null);
        Assert.True(membership.HasGivenKey);
        var next = membership.PrepareNextKey();
        var answer = Answer(_world.Issue(next, TimeSpan.FromDays(7)));
        // Only the certificate was written when the power failed.
        File.WriteAllBytes(Path.Combine(Folder, "member.cer"), answer.Certificate);
        using (var interrupted = LocalMembership.Load(Folder))
        {
            Assert.Equal(next.PublicKey.ToArray(), interrupted.Identity.PublicKey.ToArray());
            Assert.False(interrupted.HasGivenKey);
        }

        var other = MemberIdentity.Create();
        using var whole = LocalMembership.Load(Folder);
        Assert.Throws<LocalMembershipException>(() => whole.Renew(answer, Now, other));
        using var third = whole.PrepareNextKey();
        whole.Renew(Answer(_world.Issue(third, TimeSpan.FromDays(7))), Now, MemberIdentity.Load(third.Export()));
        using var loaded = LocalMembership.Load(Folder);
        Assert.Equal(third.PublicKey.ToArray(), loaded.Identity.PublicKey.ToArray());
        next.Dispose();
        other.Dispose();
    }

    [Fact]
    public void A_lost_key_is_told_with_what_to_do()
    {
        Create(null).Dispose();
        File.Delete(Path.Combine(Folder, "member.key"));
        var lost = Assert.Throws<LocalMembershipException>(() => LocalMembership.Load(Folder));
        Assert.Equal("key-lost", lost.Code);
        Assert.Contains("new invitation", lost.Message, StringComparison.Ordinal);
        Assert.False(LocalMembership.Look(Folder).HasKey);
        LocalMembership.Forget(Folder);
        Assert.False(LocalMembership.IsIn(Folder));
    }

    [Fact]
    public void What_is_kept_for_a_hub_that_is_away_has_an_end()
    {
        using var membership = Create(null);
        Assert.Equal(["192.0.2.7:6881", "seed.example.org:6881"], membership.ReadContent()!.Peers);
        for (var i = 0; i < OfflineContent.MaxEntries + 20; i++)
        {
            membership.Keep(new OfflineEntry(BitConverter.GetBytes(i), default));
        }

        membership.Keep(new OfflineEntry(BitConverter.GetBytes(50), default));
        var kept = membership.ReadContent()!;
        Assert.Equal(OfflineContent.MaxEntries, kept.Entries.Count);
        Assert.Equal(50, BitConverter.ToInt32(kept.Entries[^1].Entry.Span));
        membership.Keep(new OfflineEntry("large"u8.ToArray(), new byte[OfflineContent.MaxLength]));
        Assert.Empty(membership.ReadContent()!.Entries);
        File.WriteAllText(Path.Combine(Folder, "content"), "nonsense");
        Assert.Null(membership.ReadContent());
    }

    [Fact]
    public void The_authoritys_key_lies_under_a_passphrase_if_wanted()
    {
        var folder = Path.Combine(_folder.Path, "hub");
        var protection = KeyProtection.Of("x", isDrawn: true);
        using (var keys = HubKeys.LoadOrCreate(folder, Now))
        {
            Assert.False(HubKeys.IsProtected(folder));
            using var same = HubKeys.LoadOrCreate(folder, Now, protection);
            Assert.Equal(keys.Authority.Publication, same.Authority.Publication);
            Assert.True(HubKeys.IsProtected(folder));
            AssertNowhere(keys.Authority.Export());
        }

        Assert.Contains(
            "--passphrase-file",
            Assert.Throws<HubStoreException>(() => HubKeys.LoadOrCreate(folder, Now)).Message,
            StringComparison.Ordinal
        );
        var wrong = KeyProtection.Of("y", isDrawn: true);
        Assert.Contains(
            "not its passphrase",
            Assert.Throws<HubStoreException>(() => HubKeys.LoadOrCreate(folder, Now, wrong)).Message,
            StringComparison.Ordinal
        );
        HubKeys.LoadOrCreate(folder, Now, protection).Dispose();
        var other = Path.Combine(_folder.Path, "other");
        using var fresh = HubKeys.LoadOrCreate(other, Now, protection);
        Assert.True(HubKeys.IsProtected(other));
        AssertNowhere(fresh.Authority.Export());
    }

    [Fact]
    public async Task Of_a_membership_that_is_given_up_nothing_is_left()
    {
        // Whoever has forgotten the passphrase can give it up all the same.
        Create(KeyProtection.Of("forgotten", isDrawn: true)).Dispose();
        new ReceiptBook(Folder).Agree(ReceiptRetention.Sums);
        var fetched = _folder.Write("fetched", [1]);
        var run = await CliRun.With(null, _folder.Path, "member", "forget");
        Assert.Equal((0, "one forgotten, here\n"), (run.Exit, run.Out));
        Assert.Contains("the hub was not told (", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Folder));
        Assert.True(File.Exists(fetched));
        (await CliRun.With(null, _folder.Path, "member", "forget")).IsOneLine(1, "no member");
    }

    [Fact]
    public async Task Where_the_hub_does_not_answer_the_machine_forgets_all_the_same_and_says_so()
    {
        using var world = new OfflineFixture(DateTimeOffset.UtcNow);
        LocalMembership Join(KeyProtection? protection = null)
        {
            Assert.True(OfflineInvitation.TryRead(world.Invitation().Write(), world.Now, out var invitation, out _));
            return LocalMembership.Create(Folder, invitation, new HubAddress("127.0.0.1", 1), world.Now, protection);
        }

        Join().Dispose();
        // Nothing listens on port 1 of this machine.
        var run = await CliRun.With(null, _folder.Path, "member", "forget");
        Assert.Equal((0, "one forgotten, here\n"), (run.Exit, run.Out));
        Assert.Contains("the hub was not told (127.0.0.1:1: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("ask an administrator to shut out", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Folder));

        Join(KeyProtection.Of("forgotten", isDrawn: true)).Dispose();
        run = await CliRun.With(null, _folder.Path, "member", "forget");
        Assert.Equal(0, run.Exit);
        Assert.Contains("not told (the key lies under a passphrase)", run.Error, StringComparison.Ordinal);

        Join().Dispose();
        File.WriteAllBytes(Path.Combine(Folder, "authority.cer"), [1, 2, 3]);
        run = await CliRun.With(null, _folder.Path, "member", "forget");
        Assert.Equal((0, "one forgotten, here\n"), (run.Exit, run.Out));
        Assert.False(Directory.Exists(Folder));
    }

    private string Folder => Path.Combine(_folder.Path, "memberships", "one");

    private LocalMembership Create(KeyProtection? protection)
    {
        Assert.True(OfflineInvitation.TryRead(_world.Invitation().Write(), Now, out var invitation, out _));
        return LocalMembership.Create(Folder, invitation, new HubAddress("127.0.0.1", 1), Now, protection);
    }

    private MembershipAnswer Answer(byte[] certificate) =>
        new(certificate, _world.Authority.Certificate.Der.ToArray(), _world.PublicationKey, null, "", "member", 0);

    private static string CodeOf(Action work) => Assert.Throws<LocalMembershipException>(work).Code;

    /// <summary>Neither the file of the key nor a part of it that is secret stands in any file.</summary>
    private void AssertNowhere(byte[] pkcs8)
    {
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(pkcs8, out _);
        var secret = key.ExportParameters(includePrivateParameters: true).D;
        foreach (var file in Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories))
        {
            Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf(secret) < 0, $"the key stands in {file}");
        }
    }

    private void AssertOwnerOnly()
    {
        foreach (var file in Directory.EnumerateFiles(Folder))
        {
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }
        }
    }
}
