using Shoal.Membership;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>What a member calls with, and what others can make of it.</summary>
public sealed class PublicationTagTests
{
    private static readonly DateTimeOffset Now = Authority.Now;
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    [Fact]
    public void A_tag_is_good_for_about_a_day_by_clocks_that_are_a_day_off()
    {
        var tag = Tag(0);
        Assert.True(PublicationTag.IsGood(tag, Key, Now));
        Assert.True(PublicationTag.IsGood(tag, Key, Now.AddHours(25)));
        Assert.True(PublicationTag.IsGood(tag, Key, Now.AddHours(-25)));
        Assert.False(PublicationTag.IsGood(tag, Key, Now.AddHours(33)));
        Assert.False(PublicationTag.IsGood(tag, Key, Now.AddHours(-33)));
    }

    [Fact]
    public void No_two_tags_are_alike_and_each_is_a_host_name()
    {
        var tags = Enumerable.Range(0, 100).Select(i => Tag((byte)i)).ToList();
        Assert.Equal(100, tags.Distinct().Count());
        Assert.All(tags, tag => Assert.Matches("^[a-z2-7]{40}$", tag));
        Assert.Equal(PublicationTag.Length, tags[0].Length);
    }

    [Fact]
    public void Who_has_not_the_key_can_neither_make_nor_tell_one()
    {
        var tag = Tag(0);
        var other = (byte[])Key.Clone();
        other[31] ^= 1;
        Assert.False(PublicationTag.IsGood(tag, other, Now));
        for (var i = 0; i < tag.Length; i++)
        {
            var changed = tag.ToCharArray();
            changed[i] = changed[i] == 'a' ? 'b' : 'a';
            Assert.False(PublicationTag.IsGood(changed, Key, Now));
        }

        Assert.False(PublicationTag.IsGood("", Key, Now));
        Assert.False(PublicationTag.IsGood("example.org", Key, Now));
        Assert.False(PublicationTag.IsGood(new string('é', 40), Key, Now));
    }

    private static string Tag(byte nonce)
    {
        var random = new byte[PublicationTag.NonceSize];
        random[3] = nonce;
        return PublicationTag.Create(Key, random, Now);
    }
}
