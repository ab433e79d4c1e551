using System.Net;
using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class GatewaysTests
{
    [Fact]
    public void Default_routes_are_read_the_preferred_first()
    {
        const string table = """
            Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
            wlan0	00000000	0102A8C0	0003	0	0	600	00000000	0	0	0
            eth0	00000000	0101A8C0	0003	0	0	100	00000000	0	0	0
            eth0	0001A8C0	00000000	0001	0	0	100	00FFFFFF	0	0	0
            tun0	00000000	01000A0A	0003	0	0	50	00000080	0	0	0
            ppp0	00000000	00000000	0001	0	0	0	00000000	0	0	0
            """;
        Assert.Equal([IPAddress.Parse("192.168.1.1"), IPAddress.Parse("192.168.2.1")], Gateways.ParseRoutes(table));
        Assert.Empty(Gateways.ParseRoutes("nonsense\nin lines\n\n"));
    }

    [Fact]
    public void Default_routes_of_ipv6_are_read_with_their_interface()
    {
        const string table = """
            00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00450003     eth0
            fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
            00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
            """;
        Assert.Equal([(IPAddress.Parse("fe80::1"), "eth0")], Gateways.ParseIPv6Routes(table));
        Assert.Empty(Gateways.ParseIPv6Routes("nonsense\n"));
    }
}
