using System.Security.Cryptography;
using Shoal.Membership;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class OfflineInvitationTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void What_was_written_is_read_and_makes_its_reader_a_member()
    {
        using var world = new OfflineFixture(Now);
        var written = world.Invitation();
        Assert.True(OfflineInvitation.TryRead(written.Write(), Now, out var read, out var fault));
        Assert.Equal(MembershipFault.None, fault);
        Assert.Equal((world.Member, MemberRole.Member), (read.Grant.Member, read.Grant.Role));
        Assert.Equal(world.Authority.Publication, read.Authority.Publication);
        Assert.Equal(written.Key.ToArray(), read.Key.ToArray());
        Assert.Equal(world.PublicationKey, read.PublicationKey.ToArray());
        Assert.Equal(written.Content.Peers, read.Content.Peers);
        Assert.Equal("torrent"u8.ToArray(), read.Content.Entries[0].Torrent.ToArray());
        Assert.Equal("127.0.0.1:1", read.Hub);
    }

    [Fact]
    public void Expired_not_yet_valid_and_taken_back_are_told_apart()
    {
        using var world = new OfflineFixture(Now);
        var bytes = world.Invitation(TimeSpan.FromDays(30)).Write();
        Assert.Equal(MembershipFault.None, FaultOf(bytes, Now.AddDays(29)));
        Assert.Equal(MembershipFault.Expired, FaultOf(bytes, Now.AddDays(31)));
        // A clock that is a day behind does no harm, and one that is far behind is named.
        Assert.Equal(MembershipFault.None, FaultOf(bytes, Now.AddDays(-1)));
        Assert.Equal(MembershipFault.NotYetValid, FaultOf(bytes, Now.AddDays(-3)));
        var list = world.Authority.Revoke(1, Now, [world.Member], []);
        var revoked = Changed(world.Invitation(), one => one.Revocations = list.Encoded);
        Assert.Equal(MembershipFault.Revoked, FaultOf(revoked, Now));
    }

    [Fact]
    public void Certificate_key_and_list_of_another_publication_are_refused()
    {
        using var world = new OfflineFixture(Now);
        using var other = new OfflineFixture(Now);
        var (ours, theirs) = (world.Invitation(), other.Invitation());
        // Whoever knows the passphrase can write anything, and gains nothing by it.
        Assert.Equal(
            MembershipFault.OtherAuthority,
            FaultOf(Changed(ours, one => one.Certificate = theirs.Certificate), Now)
        );
        Assert.Equal(MembershipFault.WrongUse, FaultOf(Changed(ours, one => one.Key = theirs.Key), Now));
        Assert.Equal(MembershipFault.WrongUse, FaultOf(Changed(ours, one => one.Key = "no key"u8.ToArray()), Now));
        var list = other.Authority.Revoke(1, Now, [], []).Encoded;
        Assert.NotEqual(MembershipFault.None, FaultOf(Changed(ours, one => one.Revocations = list), Now));
        Assert.NotEqual(
            MembershipFault.None,
            FaultOf(Changed(ours, one => one.PublicationKey = new byte[PublicationTag.KeySize - 1]), Now)
        );
    }

    [Fact]
    public void Whatever_the_bytes_nothing_throws()
    {
        using var world = new OfflineFixture(Now);
        var bytes = world.Invitation().Write();
        Fuzz.Run(500, random => OfflineInvitation.TryRead(Fuzz.Mutate(random, bytes), Now, out _, out _));
        var content = world.Invitation().Content.Write();
        Fuzz.Run(500, random => OfflineContent.TryRead(Fuzz.Mutate(random, content), out _));
        var many = new OfflineContent { Peers = [.. Enumerable.Repeat("a:1", OfflineContent.MaxPeers + 1)] };
        Assert.False(OfflineContent.TryRead(many.Write(), out _));
        var endless = new OfflineContent { Peers = [new string('a', 400)] };
        Assert.False(OfflineContent.TryRead(endless.Write(), out _));
    }

    [Fact]
    public void A_drawn_passphrase_is_long_and_opens_what_lies_under_it()
    {
        var seal = PassphraseSeal.TryLoad()!;
        var passphrase = PassphraseSeal.DrawPassphrase(RandomNumberGenerator.GetBytes(PassphraseSeal.DrawSize));
        Assert.Matches("^[a-z2-7]{5}(-[a-z2-7]{5}){4}$", passphrase);
        var closed = OfflineFixture.Close("secret"u8.ToArray(), passphrase);
        Assert.Equal(MembershipFault.None, seal.TryOpen(closed, passphrase, out var secret));
        Assert.Equal("secret"u8.ToArray(), secret);
        Assert.Equal(MembershipFault.WrongPassphrase, seal.TryOpen(closed, passphrase.ToUpperInvariant(), out _));
    }

    private static MembershipFault FaultOf(byte[] bytes, DateTimeOffset now)
    {
        OfflineInvitation.TryRead(bytes, now, out _, out var fault);
        return fault;
    }

    /// <summary>The invitation with some of it put in another's place.</summary>
    private static byte[] Changed(OfflineInvitation from, Action<Parts> change)
    {
        var parts = new Parts
        {
            Certificate = from.Certificate,
            Key = from.Key,
            Revocations = from.Revocations,
            PublicationKey = from.PublicationKey,
        };
        change(parts);
        return new OfflineInvitation
        {
            Authority = from.Authority,
            PublicationKey = parts.PublicationKey,
            Key = parts.Key,
            Certificate = parts.Certificate,
            Revocations = parts.Revocations,
            Hub = from.Hub,
            Content = from.Content,
        }.Write();
    }

    private sealed class Parts
    {
        public ReadOnlyMemory<byte> Certificate { get; set; }

        public ReadOnlyMemory<byte> Key { get; set; }

        public ReadOnlyMemory<byte> Revocations { get; set; }

        public ReadOnlyMemory<byte> PublicationKey { get; set; }
    }
}
