using System.Net;
using System.Text.RegularExpressions;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>A mapper, and a router played by the test.</summary>
public sealed partial class UpnpMapperTests
{
    private static readonly IPAddress Router = IPAddress.Parse("192.168.1.1");
    private static readonly UpnpService Igd1 = new("urn:schemas-upnp-org:service:WANIPConnection:1", "/ip");
    private static readonly UpnpService Igd2 = new("urn:schemas-upnp-org:service:WANIPConnection:2", "/ip2");
    private static readonly UpnpService Ppp = new("urn:schemas-upnp-org:service:WANPPPConnection:1", "/ppp");

    private readonly List<string> _log = [];
    private TimeSpan _now = TimeSpan.FromSeconds(5);

    /// <summary>What the router says to a request; null: it is silent.</summary>
    private Func<UpnpCall, string, UpnpAnswer?> _router = (_, _) => Ok();

    [Fact]
    public void Both_ports_are_mapped_with_a_lease_renewed_and_taken_back()
    {
        var mapper = NewMapper(Igd1);
        Run(mapper, TimeSpan.FromMinutes(1));
        Assert.Equal(["GetExternalIPAddress", "AddPortMapping 6881 TCP 3600", "AddPortMapping 6882 UDP 3600"], _log);
        Assert.Equal(
            [
                new PortMapping(
                    new PortWish(MappedProtocol.Tcp, 6881),
                    6881,
                    IPAddress.Parse("45.67.89.1"),
                    Router,
                    MappingMethod.Upnp
                ),
                new PortMapping(
                    new PortWish(MappedProtocol.Udp, 6882),
                    6882,
                    IPAddress.Parse("45.67.89.1"),
                    Router,
                    MappingMethod.Upnp
                ),
            ],
            mapper.Mappings
        );
        _log.Clear();
        Run(mapper, TimeSpan.FromMinutes(30));
        Assert.Equal(3, _log.Count);
        _log.Clear();
        mapper.Close(_now);
        Run(mapper, TimeSpan.FromSeconds(1));
        Assert.Equal(["DeletePortMapping 6881 TCP", "DeletePortMapping 6882 UDP"], _log);
        Assert.True(mapper.IsClosed);
    }

    [Theory]
    [InlineData(725)]
    [InlineData(402)]
    public void A_router_that_knows_no_leases_is_asked_without(int error)
    {
        _router = (_, line) => line.EndsWith("3600", StringComparison.Ordinal) ? Error(error) : Ok();
        var mapper = NewMapper(Igd1);
        Run(mapper, TimeSpan.FromMinutes(1));
        Assert.Equal(2, mapper.Mappings.Count);
        Assert.Equal(["AddPortMapping 6881 TCP 0", "AddPortMapping 6882 UDP 0"], _log[2..]);
    }

    [Fact]
    public void A_port_that_is_taken_is_mapped_elsewhere()
    {
        _router = (_, line) => line.Contains(" 6881 ", StringComparison.Ordinal) ? Error(718) : Ok();
        var mapper = NewMapper(Igd1);
        Run(mapper, TimeSpan.FromMinutes(1));
        Assert.Equal(2, mapper.Mappings.Count);
        Assert.NotEqual(6881, mapper.Mappings[0].ExternalPort);
        Assert.InRange(mapper.Mappings[0].ExternalPort, 1024, 65535);

        // All are: it gives up for a while.
        _router = (_, line) => line.StartsWith('A') ? Error(718) : Ok();
        var other = NewMapper(Igd1);
        _log.Clear();
        Run(other, TimeSpan.FromMinutes(10));
        Assert.Empty(other.Mappings);
        Assert.InRange(_log.Count, 10, 25);
    }

    [Fact]
    public void Igd2_chooses_the_port_itself_or_is_asked_as_igd1_is()
    {
        _router = (_, line) =>
            line.StartsWith("AddAny", StringComparison.Ordinal) ? Ok(("NewReservedPort", "7001")) : Ok();
        var mapper = NewMapper(Igd2);
        Run(mapper, TimeSpan.FromMinutes(1));
        Assert.All(mapper.Mappings, mapping => Assert.Equal(7001, mapping.ExternalPort));
        Assert.Equal(2, mapper.Mappings.Count);

        _router = (_, line) => line.StartsWith("AddAny", StringComparison.Ordinal) ? Error(401) : Ok();
        var other = NewMapper(Igd2);
        Run(other, TimeSpan.FromMinutes(1));
        Assert.Equal(2, other.Mappings.Count);
    }

    [Theory]
    [InlineData("192.168.0.9")]
    [InlineData("127.0.0.1")]
    [InlineData("nonsense")]
    [InlineData("::1")]
    public void Addresses_that_lead_nowhere_are_not_believed(string lie)
    {
        _router = (call, _) => call.Action == "GetExternalIPAddress" ? Ok(("NewExternalIPAddress", lie)) : Ok();
        var mapper = NewMapper(Igd1);
        Run(mapper, TimeSpan.FromMinutes(1));
        Assert.Equal(2, mapper.Mappings.Count);
        Assert.All(mapper.Mappings, mapping => Assert.Null(mapping.ExternalAddress));
    }

    [Fact]
    public void The_service_that_is_connected_is_used()
    {
        _router = (call, _) =>
            call.Service == Igd1 && call.Action == "GetExternalIPAddress"
                ? Ok(("NewExternalIPAddress", "0.0.0.0"))
                : Ok();
        var services = new List<UpnpService>();
        var router = _router;
        _router = (call, line) =>
        {
            services.Add(call.Service);
            return router(call, line);
        };
        var mapper = NewMapper(Igd1, Ppp);
        Run(mapper, TimeSpan.FromMinutes(1));
        Assert.Equal([Igd1, Ppp, Ppp, Ppp], services);
        Assert.Equal(2, mapper.Mappings.Count);
    }

    [Fact]
    public void A_router_that_falls_silent_is_lost()
    {
        var mapper = NewMapper(Igd1);
        Run(mapper, TimeSpan.FromMinutes(1));
        _router = (_, _) => null;
        Run(mapper, TimeSpan.FromMinutes(60));
        Assert.True(mapper.IsLost);
        Assert.Empty(mapper.Mappings);
        Assert.InRange(_log.Count, 4, 10);
    }

    [Theory]
    [InlineData("http://192.168.1.1:5000/d.xml", true)]
    [InlineData("http://192.168.1.2/d.xml", false)]
    [InlineData("http://router/d.xml", false)]
    [InlineData("https://192.168.1.1/d.xml", false)]
    [InlineData("http://user@192.168.1.1/d.xml", false)]
    [InlineData("http://127.0.0.1/d.xml", false)]
    [InlineData("file:///192.168.1.1/d.xml", false)]
    public void Only_the_router_itself_is_asked(string url, bool isRouters) =>
        Assert.Equal(isRouters, UpnpClient.LeadsTo(new Uri(url), Router));

    private static UpnpMapper NewMapper(params UpnpService[] services) =>
        new(
            services,
            Router,
            IPAddress.Parse("192.168.1.2"),
            [new PortWish(MappedProtocol.Tcp, 6881), new PortWish(MappedProtocol.Udp, 6882)],
            new MappingLimits(),
            new DhtRandom(new byte[32])
        );

    private void Run(UpnpMapper mapper, TimeSpan time)
    {
        var end = _now + time;
        for (var steps = 0; _now < end; steps++)
        {
            Assert.True(steps < 1000, "the mapper asks without end");
            if (mapper.Next(_now) is { } call)
            {
                var line = Line(call);
                _log.Add(line);
                mapper.Answered(_router(call, line), _now);
            }
            else
            {
                Assert.True(mapper.NextDue > _now || mapper.IsLost, "nothing to ask, and no time to wait");
                _now = mapper.NextDue < end && !mapper.IsLost ? mapper.NextDue : end;
            }
        }
    }

    private static string Line(UpnpCall call)
    {
        var values = Values()
            .Matches(System.Text.Encoding.UTF8.GetString(call.Body))
            .ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);
        string?[] parts =
        [
            call.Action,
            values.GetValueOrDefault("ExternalPort"),
            values.GetValueOrDefault("Protocol"),
            values.GetValueOrDefault("LeaseDuration"),
        ];
        return string.Join(' ', parts.OfType<string>());
    }

    private static UpnpAnswer Ok(params (string Name, string Value)[] values) =>
        new(
            null,
            new Dictionary<string, string>(values.Select(value => KeyValuePair.Create(value.Name, value.Value)))
            {
                ["NewExternalIPAddress"] =
                    values.FirstOrDefault(value => value.Name == "NewExternalIPAddress").Value ?? "45.67.89.1",
            }
        );

    private static UpnpAnswer Error(int code) => new(code, new Dictionary<string, string>());

    [GeneratedRegex("<New(\\w+)>([^<]*)<")]
    private static partial Regex Values();
}
