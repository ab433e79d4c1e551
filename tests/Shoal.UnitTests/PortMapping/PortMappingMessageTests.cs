using System.Net;
using System.Text;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>PCP, NAT-PMP, SSDP and UPnP as bytes.</summary>
public sealed class PortMappingMessageTests
{
    private static readonly byte[] Nonce = [.. Enumerable.Range(1, 12).Select(i => (byte)i)];

    [Fact]
    public void A_pcp_request_has_every_field_in_its_place()
    {
        var request = new PcpMapRequest(
            IPAddress.Parse("192.168.1.2"),
            Nonce,
            MappedProtocol.Udp,
            6881,
            7000,
            IPAddress.Parse("45.67.89.1"),
            3600
        );
        // RFC 6887, figures 2 and 9.
        Assert.Equal(
            "0201000000000E10" // version 2, MAP, reserved, an hour
                + "00000000000000000000FFFFC0A80102" // the client
                + "0102030405060708090A0B0C" // nonce
                + "110000001AE11B58" // UDP, reserved, 6881, 7000
                + "00000000000000000000FFFF2D435901", // the address suggested
            Convert.ToHexString(Pcp.Write(request))
        );
        var any = Pcp.Write(request with { SuggestedAddress = null });
        Assert.Equal("00000000000000000000FFFF00000000", Convert.ToHexString(any)[^32..]);
    }

    [Fact]
    public void A_pcp_answer_is_read_and_what_is_none_is_not()
    {
        var answer = PcpAnswerBytes(0, 7200, 99, 7000);
        Assert.True(Pcp.TryRead(answer, out var read));
        Assert.Equal((2, PcpResult.Success, 7200u, 99u), (read.Version, read.Result, read.Lifetime, read.Epoch));
        Assert.Equal(
            (MappedProtocol.Tcp, 6881, 7000, IPAddress.Parse("45.67.89.1")),
            (read.Map!.Protocol, read.Map.Port, read.Map.ExternalPort, read.Map.ExternalAddress)
        );
        Assert.Equal(Nonce, read.Map.Nonce.ToArray());

        // An announcement is a header alone; a request, a part and an odd length are no answers.
        byte[] announcement = [.. answer.AsSpan(0, 24)];
        announcement[1] = 0x80;
        Assert.True(Pcp.TryRead(announcement, out var announced));
        Assert.Null(announced.Map);
        Assert.False(Pcp.TryRead(answer.AsSpan(0, 56), out _));
        Assert.False(Pcp.TryRead([.. answer, 0], out _));
        Assert.False(Pcp.TryRead([.. answer, .. new byte[Pcp.MaxMessage]], out _));
        answer[1] = 1;
        Assert.False(Pcp.TryRead(answer, out _));
    }

    [Fact]
    public void Nat_pmp_has_every_field_in_its_place()
    {
        Assert.Equal("0000", Convert.ToHexString(NatPmp.WriteAddressRequest()));
        // RFC 6886, 3.3.
        Assert.Equal(
            "000200001AE11B5800000E10",
            Convert.ToHexString(NatPmp.WriteMapRequest(MappedProtocol.Tcp, 6881, 7000, 3600))
        );
        Assert.True(NatPmp.TryRead(Convert.FromHexString("00800000000000632D435901"), out var address));
        Assert.Equal((99u, IPAddress.Parse("45.67.89.1")), (address.Epoch, address.ExternalAddress));
        Assert.True(NatPmp.TryRead(Convert.FromHexString("00810000000000631AE11B5800000E10"), out var map));
        Assert.Equal(new NatPmpMap(MappedProtocol.Udp, 6881, 7000, 3600), map.Map);
        Assert.True(NatPmp.TryRead(Convert.FromHexString("0081000100000063"), out var refused));
        Assert.Equal(NatPmpResult.UnsupportedVersion, refused.Result);
        // Success without what it is about, a request, and another version.
        Assert.False(NatPmp.TryRead(Convert.FromHexString("0081000000000063"), out _));
        Assert.False(NatPmp.TryRead(Convert.FromHexString("000100001AE11B5800000E10"), out _));
        Assert.False(NatPmp.TryRead(Convert.FromHexString("02800000000000632D435901"), out _));
    }

    [Fact]
    public void A_search_is_answered_by_a_place()
    {
        Assert.StartsWith(
            "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n",
            Encoding.ASCII.GetString(Ssdp.WriteSearch(Ssdp.Targets[0])),
            StringComparison.Ordinal
        );
        Assert.True(
            Ssdp.TryRead(
                Ascii("HTTP/1.1 200 OK\r\nSt: a:b\r\nLocation:  http://1.2.3.4/d.xml \r\n\r\n"),
                out var answer
            )
        );
        Assert.Equal(new SsdpAnswer("a:b", "http://1.2.3.4/d.xml"), answer);
        Assert.False(Ssdp.TryRead(Ascii("HTTP/1.1 404 No\r\nST: a\r\nLOCATION: http://1.2.3.4/\r\n\r\n"), out _));
        Assert.False(Ssdp.TryRead(Ascii("NOTIFY * HTTP/1.1\r\nST: a\r\nLOCATION: http://1.2.3.4/\r\n\r\n"), out _));
        Assert.False(Ssdp.TryRead(Ascii("HTTP/1.1 200 OK\r\nST: a\r\n\r\n"), out _));
        Assert.False(
            Ssdp.TryRead(Ascii($"HTTP/1.1 200 OK\r\nST: a\r\nLOCATION: http://{new string('a', 600)}/\r\n\r\n"), out _)
        );
    }

    [Fact]
    public void A_description_names_the_services_that_forward_ports_the_best_first()
    {
        Assert.True(UpnpDescription.TryRead(Utf8(Description("")), out var description));
        Assert.Equal("http://192.168.1.1:80/", description.BaseUrl);
        Assert.Equal(
            [
                new UpnpService("urn:schemas-upnp-org:service:WANIPConnection:2", "/ip2"),
                new UpnpService("urn:schemas-upnp-org:service:WANIPConnection:1", "/ip"),
            ],
            description.Services
        );
        Assert.True(description.Services[0].CanChoosePort);
        Assert.False(UpnpDescription.TryRead(Utf8("<root><service/></root>"), out _));
    }

    // Security: a router, or who claims to be one, may send anything.
    [Fact]
    public void A_description_with_a_dtd_too_long_or_too_deep_is_none()
    {
        var entity = """<!DOCTYPE root [<!ENTITY x SYSTEM "file:///etc/passwd">]>""";
        Assert.False(UpnpDescription.TryRead(Utf8(Description(entity)), out _));
        Assert.False(UpnpDescription.TryRead(Utf8(Description("") + new string(' ', UpnpDescription.MaxBytes)), out _));
        var deep = string.Concat(Enumerable.Repeat("<a>", 40)) + string.Concat(Enumerable.Repeat("</a>", 40));
        Assert.False(UpnpDescription.TryRead(Utf8(Description("").Replace("<x/>", deep)), out _));
        Assert.False(UpnpDescription.TryRead(Utf8(Description("")[..^5]), out _));
    }

    [Fact]
    public void A_request_is_soap_and_its_answer_or_error_is_read()
    {
        var body = Encoding.UTF8.GetString(UpnpSoap.Write("urn:s:1", "Add", [("NewPort", "5"), ("NewHost", "")]));
        Assert.Contains(
            "<s:Body><u:Add xmlns:u=\"urn:s:1\"><NewPort>5</NewPort><NewHost></NewHost></u:Add></s:Body>",
            body,
            StringComparison.Ordinal
        );
        Assert.True(
            UpnpSoap.TryRead(
                Utf8(Answer("<u:AddResponse xmlns:u=\"urn:s:1\"><NewP>7</NewP></u:AddResponse>")),
                "Add",
                out var answer
            )
        );
        Assert.Equal((null, "7"), (answer.ErrorCode, answer.Values["NewP"]));
        Assert.True(UpnpSoap.TryRead(Utf8(Answer("<u:AddResponse xmlns:u=\"urn:s:1\"/>")), "Add", out _));
        var error = "<s:Fault><detail><UPnPError><errorCode>718</errorCode></UPnPError></detail></s:Fault>";
        Assert.True(UpnpSoap.TryRead(Utf8(Answer(error)), "Add", out var refused));
        Assert.Equal(718, refused.ErrorCode);
        Assert.False(UpnpSoap.TryRead(Utf8(Answer("<u:OtherResponse xmlns:u=\"urn:s:1\"/>")), "Add", out _));
    }

    [Fact]
    public void No_message_throws()
    {
        byte[][] originals =
        [
            PcpAnswerBytes(0, 1, 1, 1),
            Convert.FromHexString("00810000000000631AE11B5800000E10"),
            Ascii("HTTP/1.1 200 OK\r\nST: a:b\r\nLOCATION: http://1.2.3.4/d.xml\r\n\r\n"),
            Utf8(Description("")),
            Utf8(Answer("<u:AddResponse xmlns:u=\"urn:s:1\"><NewP>7</NewP></u:AddResponse>")),
        ];
        Fuzz.Run(
            3000,
            random =>
            {
                var bytes = Fuzz.Mutate(random, originals[random.Next(originals.Length)]);
                _ = Pcp.TryRead(bytes, out _);
                _ = NatPmp.TryRead(bytes, out _);
                _ = Ssdp.TryRead(bytes, out _);
                _ = UpnpDescription.TryRead(bytes, out _);
                _ = UpnpSoap.TryRead(bytes, "Add", out _);
            }
        );
    }

    private static byte[] PcpAnswerBytes(byte result, uint lifetime, uint epoch, ushort port) =>
        Convert.FromHexString(
            $"028100{result:X2}{lifetime:X8}{epoch:X8}{new string('0', 24)}{Convert.ToHexString(Nonce)}"
                + $"060000001AE1{port:X4}00000000000000000000FFFF2D435901"
        );

    private static string Description(string dtd) =>
        $"""
            <?xml version="1.0"?>{dtd}<root xmlns="urn:schemas-upnp-org:device-1-0"><URLBase>http://192.168.1.1:80/</URLBase><x/>
            <device><deviceList><device><serviceList>
            <service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><serviceId>i</serviceId>
              <controlURL>/ip</controlURL><eventSubURL>/e</eventSubURL></service>
            <service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType><controlURL>/l3</controlURL></service>
            <service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:2</serviceType><controlURL>/ip2</controlURL></service>
            </serviceList></device></deviceList></device></root>
            """;

    private static string Answer(string inner) =>
        $"<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"urn:e\"><s:Body>{inner}</s:Body></s:Envelope>";

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
