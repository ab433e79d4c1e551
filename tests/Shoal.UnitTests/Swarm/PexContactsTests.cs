using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

public sealed class PexContactsTests
{
    private static IPEndPoint At(string text) => IPEndPoint.Parse(text);

    [Theory]
    [InlineData("20.0.0.1:80", "20.0.0.1:81")]
    [InlineData("255.255.255.255:65535", "0.0.0.0:1")]
    [InlineData("[2001:db8::1]:80", "[2001:db8::1]:81")]
    [InlineData("20.0.0.1:80", "[::ffff:20.0.0.1]:80")]
    public void Contacts_are_found_by_address_and_port(string one, string other)
    {
        var contacts = new PexContacts();
        contacts.Set(At(one), PexFlags.All);
        Assert.True(contacts.TryGet(At(one), out var flags));
        Assert.Equal(PexFlags.All, flags);
        Assert.False(contacts.TryGet(At(other), out flags));
        Assert.Equal(PexFlags.None, flags);
        contacts.Set(At(other), PexFlags.Reachable);
        contacts.Set(At(one), PexFlags.None);
        Assert.Equal(2, contacts.Count);
        Assert.True(contacts.TryGet(At(one), out flags));
        Assert.Equal(PexFlags.None, flags);
        contacts.Remove(At(one));
        Assert.False(contacts.TryGet(At(one), out _));
        Assert.True(contacts.TryGet(At(other), out flags));
        Assert.Equal(PexFlags.Reachable, flags);
    }

    [Fact]
    public void Many_come_and_go()
    {
        var random = new Random(7);
        var contacts = new PexContacts();
        var expected = new Dictionary<IPEndPoint, PexFlags>();
        for (var i = 0; i < 3000; i++)
        {
            var text =
                random.Next(2) == 0 ? $"20.0.0.{random.Next(100)}:{1 + random.Next(2)}" : $"[::{random.Next(1, 50)}]:9";
            var flags = (PexFlags)random.Next(32);
            if (random.Next(3) == 0)
            {
                contacts.Remove(At(text));
                expected.Remove(At(text));
            }
            else
            {
                contacts.Set(At(text), flags);
                expected[At(text)] = flags;
            }

            Assert.Equal(expected.Count, contacts.Count);
        }

        Assert.All(expected, one => Assert.True(contacts.TryGet(one.Key, out var flags) && flags == one.Value));
    }
}
