using System.Net;
using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class TrackerAccessTests
{
    [Theory]
    [InlineData("127.0.0.1", NetworkReach.Loopback)]
    [InlineData("127.9.9.9", NetworkReach.Loopback)]
    [InlineData("0.0.0.0", NetworkReach.Loopback)]
    [InlineData("::", NetworkReach.Loopback)]
    [InlineData("::1", NetworkReach.Loopback)]
    [InlineData("::ffff:127.0.0.1", NetworkReach.Loopback)]
    [InlineData("10.0.0.1", NetworkReach.Local)]
    [InlineData("172.16.0.1", NetworkReach.Local)]
    [InlineData("172.31.255.255", NetworkReach.Local)]
    [InlineData("192.168.1.1", NetworkReach.Local)]
    [InlineData("169.254.169.254", NetworkReach.Local)]
    [InlineData("100.64.0.1", NetworkReach.Local)]
    [InlineData("::ffff:10.0.0.1", NetworkReach.Local)]
    [InlineData("fe80::1", NetworkReach.Local)]
    [InlineData("fd00::1", NetworkReach.Local)]
    [InlineData("fc00::1", NetworkReach.Local)]
    [InlineData("172.32.0.1", NetworkReach.Global)]
    [InlineData("100.128.0.1", NetworkReach.Global)]
    [InlineData("8.8.8.8", NetworkReach.Global)]
    [InlineData("2001:4860::1", NetworkReach.Global)]
    [InlineData("224.0.0.1", NetworkReach.None)]
    [InlineData("255.255.255.255", NetworkReach.None)]
    [InlineData("ff02::1", NetworkReach.None)]
    public void ReachOfAddresses(string address, object reach) =>
        Assert.Equal(reach, NetworkReaches.Of(IPAddress.Parse(address)));

    // Checklist 16: "loopback only for /announce; no query string to local networks; no redirect from global to local".
    [Theory]
    [InlineData("127.0.0.1", "/announce", false, null, true)]
    [InlineData("127.0.0.1", "/admin", false, null, false)]
    [InlineData("127.0.0.1", "/announcement", false, null, false)]
    [InlineData("127.0.0.1", "/announce", true, null, false)]
    [InlineData("::1", "/", false, null, false)]
    [InlineData("192.168.1.1", "/x/announce", false, null, true)]
    [InlineData("192.168.1.1", "/announce", true, null, false)]
    [InlineData("192.168.1.1", "/announce", false, NetworkReach.Global, false)]
    [InlineData("127.0.0.1", "/announce", false, NetworkReach.Global, false)]
    [InlineData("127.0.0.1", "/announce", false, NetworkReach.Loopback, true)]
    [InlineData("8.8.8.8", "/anything", true, NetworkReach.Local, true)]
    [InlineData("8.8.8.8", "/anything", true, NetworkReach.Global, true)]
    [InlineData("224.0.0.1", "/announce", false, null, false)]
    public void WhatMayBeAskedWhere(string address, string path, bool hasQuery, object? cameFrom, bool allowed) =>
        Assert.Equal(
            allowed,
            TrackerAccess.WhyNot(NetworkReaches.Of(IPAddress.Parse(address)), path, hasQuery, (NetworkReach?)cameFrom)
                is null
        );

    /// <summary>A peer leads us nowhere nearer than where it is itself, also when a name resolves to such an address.</summary>
    [Theory]
    [InlineData("8.8.8.8", NetworkReach.Global, true)]
    [InlineData("192.168.1.1", NetworkReach.Global, false)]
    [InlineData("127.0.0.1", NetworkReach.Global, false)]
    [InlineData("127.0.0.1", NetworkReach.Local, false)]
    [InlineData("192.168.1.1", NetworkReach.Local, true)]
    [InlineData("127.0.0.1", NetworkReach.Loopback, true)]
    public void WhatAPeerMayName(string address, object by, bool allowed) =>
        Assert.Equal(
            allowed,
            TrackerAccess.WhyNot(
                NetworkReaches.Of(IPAddress.Parse(address)),
                "/announce",
                false,
                null,
                (NetworkReach)by
            )
                is null
        );

    [Theory]
    [InlineData("http://t.example/announce", NetworkReach.Global, true)]
    [InlineData("https://t.example:8443/announce", NetworkReach.Global, true)]
    [InlineData("udp://t.example:80", NetworkReach.Global, true)]
    [InlineData("udp://t.example:80/announce", NetworkReach.Global, true)]
    [InlineData("wss://t.example/announce", NetworkReach.Loopback, false)]
    [InlineData("http://t.example/4f2a9c/announce", NetworkReach.Global, false)]
    [InlineData("http://t.example/announce?passkey=4f2a9c", NetworkReach.Global, false)]
    [InlineData("http://me:secret@t.example/announce", NetworkReach.Global, false)]
    [InlineData("http://t.example/", NetworkReach.Global, false)]
    [InlineData("http://192.168.1.1/announce", NetworkReach.Global, false)]
    [InlineData("http://192.168.1.1/announce", NetworkReach.Local, true)]
    [InlineData("http://localhost/announce", NetworkReach.Local, false)]
    [InlineData("http://router.lan/announce", NetworkReach.Global, false)]
    [InlineData("http://127.0.0.1/announce", NetworkReach.Loopback, true)]
    [InlineData("not a url", NetworkReach.Loopback, false)]
    public void WhatIsTakenFromAPeerAndToldToOne(string text, object by, bool allowed)
    {
        Assert.Equal(allowed, TrackerManners.Read(text, (NetworkReach)by) is not null);
        if (Shoal.Protocol.TrackerUrl.TryParse(text, out var url))
        {
            Assert.Equal(allowed, TrackerManners.MayBeTold(url, (NetworkReach)by));
        }
    }
}
