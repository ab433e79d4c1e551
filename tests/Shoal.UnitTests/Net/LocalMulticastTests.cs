using System.Net;
using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class LocalMulticastTests
{
    private static readonly LocalMulticast.Origin[] Ours =
    [
        new(2, IPAddress.Parse("192.168.1.5"), 24),
        new(2, IPAddress.Parse("2001:db8:1:2::5"), 64),
        new(3, IPAddress.Parse("50.60.70.80"), 28),
    ];

    [Theory]
    [InlineData("192.168.1.9", 2, true)]
    [InlineData("10.0.0.9", 2, true)]
    [InlineData("169.254.1.1", 2, true)]
    [InlineData("fe80::9", 2, true)]
    [InlineData("2001:db8:1:2::9", 2, true)]
    [InlineData("50.60.70.81", 3, true)]
    // Of the internet, and not of the network that the interface is in.
    [InlineData("50.60.70.96", 3, false)]
    [InlineData("8.8.8.8", 2, false)]
    [InlineData("2001:db8:1:3::9", 2, false)]
    // By an interface that is not ours to use, or has no address of the family.
    [InlineData("192.168.1.9", 4, false)]
    [InlineData("fe80::9", 3, false)]
    [InlineData("50.60.70.81", 2, false)]
    // No host's.
    [InlineData("239.192.152.143", 2, false)]
    public void Senders_of_other_networks_are_not_heard(string source, int index, bool isHeard) =>
        Assert.Equal(isHeard, LocalMulticast.IsOurNetwork(IPAddress.Parse(source), index, Ours));
}
