using System.Globalization;
using Shoal.Membership;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class InvitationLinkTests
{
    private static InvitationLink Link(string host = "hub.example", int port = 7450) =>
        new(
            host,
            port,
            PublicationId.Of([1]),
            new InvitationId(0x0123456789ABCDEF),
            new InvitationSecret([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
        );

    [Theory]
    [InlineData("hub.example", 7450)]
    [InlineData("hub.example", 443)]
    [InlineData("192.0.2.1", 1)]
    [InlineData("2001:db8::1", 65535)]
    public void Both_forms_are_read_again(string host, int port)
    {
        var link = Link(host, port);
        foreach (var text in new[] { link.ToShoalLink(), link.ToHttpsLink(), "  " + link.ToHttpsLink() + "\r\n" })
        {
            Assert.True(InvitationLink.TryParse(text, out var read, out _), text);
            Assert.Equal((host, port), (read.Host, read.Port));
            Assert.Equal(link.Publication, read.Publication);
            Assert.Equal(link.Invitation, read.Invitation);
            Assert.Equal(link.Secret.Span.ToArray(), read.Secret.Span.ToArray());
        }
    }

    [Fact]
    public void The_secret_stands_behind_the_mark_only_and_in_no_other_text()
    {
        var link = Link();
        var digits = link.ToShoalLink().Split('#')[1];
        Assert.Equal(digits, link.ToHttpsLink().Split('#')[1]);
        Assert.True(Uri.TryCreate(link.ToHttpsLink(), UriKind.Absolute, out var url));
        Assert.Equal("https://hub.example:7450/join", url.GetLeftPart(UriPartial.Query));
        Assert.DoesNotContain(digits[50..], link.ToString(), StringComparison.Ordinal);
        Assert.Equal("(secret)", link.Secret.ToString());
    }

    [Theory]
    [InlineData("", InvitationLinkFault.NotALink)]
    [InlineData("https://hub.example:7450/#x", InvitationLinkFault.NotALink)]
    [InlineData("http://hub.example:7450/join#x", InvitationLinkFault.NotALink)]
    [InlineData("shoal://join/#x", InvitationLinkFault.NotALink)]
    [InlineData("shoal://join/user:word@hub.example#x", InvitationLinkFault.NotALink)]
    [InlineData("shoal://join/hub.example:0#x", InvitationLinkFault.NotALink)]
    [InlineData("shoal://join/hub.example:70000#x", InvitationLinkFault.NotALink)]
    [InlineData("shoal://join/a b#x", InvitationLinkFault.NotALink)]
    [InlineData("magnet:?xt=urn:btih:dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c", InvitationLinkFault.NotALink)]
    [InlineData("https://hub.example:7450/join", InvitationLinkFault.NoSecret)]
    [InlineData("https://hub.example:7450/join#", InvitationLinkFault.NoSecret)]
    [InlineData("shoal://join/hub.example#abc", InvitationLinkFault.Damaged)]
    public void What_is_no_link_is_told_why(string text, InvitationLinkFault fault)
    {
        Assert.False(InvitationLink.TryParse(text, out _, out var found));
        Assert.Equal(fault, found);
    }

    [Fact]
    public void Every_digit_counts()
    {
        var text = Link().ToShoalLink();
        var begin = text.IndexOf('#', StringComparison.Ordinal) + 1;
        for (var at = begin; at < text.Length; at++)
        {
            var wrong = text[..at] + (text[at] == 'A' ? 'B' : 'A') + text[(at + 1)..];
            Assert.False(InvitationLink.TryParse(wrong, out _, out var fault));
            Assert.Equal(InvitationLinkFault.Damaged, fault);
            Assert.False(InvitationLink.TryParse(text.AsSpan(0, at), out _, out _));
        }
    }

    [Fact]
    public void A_secret_is_good_for_one_invitation_of_one_publication()
    {
        var link = Link();
        var hash = link.Secret.Hash(link.Publication, link.Invitation);
        Assert.Equal(32, hash.Length);
        Assert.NotEqual(hash, link.Secret.Hash(PublicationId.Of([2]), link.Invitation));
        Assert.NotEqual(hash, link.Secret.Hash(link.Publication, new InvitationId(7)));
    }

    [Fact]
    public void Ids_are_read_as_they_were_written()
    {
        var id = new InvitationId(ulong.MaxValue - 5);
        Assert.True(InvitationId.TryParse(id.ToString().ToUpper(CultureInfo.InvariantCulture), out var read));
        Assert.Equal(id, read);
        Assert.Equal(id, new InvitationId(id.ToArray()));
        var entry = new EntryId(UInt128.MaxValue / 3);
        Assert.True(EntryId.TryParse(entry.ToString(), out var readEntry));
        Assert.Equal(entry, readEntry);
        Assert.False(InvitationId.TryParse("x", out _));
        Assert.False(EntryId.TryParse("", out _));
    }

    [Fact]
    public void Nothing_that_is_thrown_at_it_throws()
    {
        var good = Link().ToHttpsLink();
        Fuzz.Run(
            20_000,
            random =>
            {
                var text = good.ToCharArray();
                for (var i = random.Next(1, 8); i > 0; i--)
                {
                    text[random.Next(text.Length)] = (char)random.Next(random.Next(2) == 0 ? 128 : 65536);
                }

                _ = InvitationLink.TryParse(text.AsSpan(random.Next(text.Length)), out _, out _);
            }
        );
    }
}
