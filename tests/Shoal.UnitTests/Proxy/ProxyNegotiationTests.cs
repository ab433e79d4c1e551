using System.Net;
using System.Text;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class ProxyNegotiationTests
{
    private static readonly ProxyTarget Peer = ProxyTarget.Of(new IPEndPoint(IPAddress.Parse("203.0.113.7"), 6881));

    [Fact]
    public void Socks_connects_to_an_address_without_credentials()
    {
        var socks = new Socks5Negotiation(Socks5Command.Connect, Peer, null, null);
        var said = Talk(socks, [Hex("0500"), Hex("05000001 c0000201 0050")], out var left);
        Assert.Equal([Hex("050100"), Hex("05010001 cb007107 1ae1")], said);
        Assert.Equal((ProxyFault.None, 0), (socks.Fault, left));
        Assert.Equal(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 80), socks.Bound);
    }

    [Fact]
    public void Socks_lets_the_proxy_look_names_up()
    {
        var socks = new Socks5Negotiation(Socks5Command.Connect, Name("tracker.example", 6969), null, null);
        var said = Talk(socks, [Hex("0500"), Hex("05000003 03 616263 0000")], out _);
        Assert.Equal(Hex("05010003 0f 747261636b65722e6578616d706c65 1b39"), said[1]);
        Assert.Null(socks.Bound);
    }

    [Fact]
    public void Socks_proves_who_we_are_when_asked()
    {
        var socks = new Socks5Negotiation(Socks5Command.UdpAssociate, Peer, "me", "pass");
        var reply = "05000004 20010db8000000000000000000000001 0400";
        var said = Talk(socks, [Hex("0502"), Hex("0100"), Hex(reply)], out _);
        Assert.Equal([Hex("05020002"), Hex("01 02 6d65 04 70617373"), Hex("05030001 cb007107 1ae1")], said);
        Assert.Equal(new IPEndPoint(IPAddress.Parse("2001:db8::1"), 1024), socks.Bound);
    }

    [Theory]
    [InlineData("05ff", "CredentialsNeeded")]
    [InlineData("0502", "CredentialsNeeded")]
    [InlineData("0501", "NotAProxy")]
    [InlineData("04", "NotAProxy")]
    [InlineData("485454502f", "NotAProxy")]
    [InlineData("0500 0501", "Failed")]
    [InlineData("0500 0502", "NotAllowed")]
    [InlineData("0500 0503", "TargetUnreachable")]
    [InlineData("0500 0504", "TargetUnreachable")]
    [InlineData("0500 0505 0001 00000000 0000", "TargetRefused")]
    [InlineData("0500 0506", "TargetUnreachable")]
    [InlineData("0500 0507", "NotSupported")]
    [InlineData("0500 0508", "AddressNotSupported")]
    [InlineData("0500 05ee", "Failed")]
    [InlineData("0500 0400", "NotAProxy")]
    [InlineData("0500 0500 0002 00", "NotAProxy")]
    public void Refusals_of_socks_have_reasons(string answer, string fault)
    {
        var socks = new Socks5Negotiation(Socks5Command.Connect, Peer, null, null);
        Talk(socks, [Hex(answer)], out _);
        Assert.Equal(fault, socks.Fault.ToString());
    }

    [Fact]
    public void Wrong_credentials_are_said_to_be_wrong()
    {
        var socks = new Socks5Negotiation(Socks5Command.Connect, Peer, "me", "wrong");
        Talk(socks, [Hex("0502 0101")], out _);
        Assert.Equal(ProxyFault.CredentialsRefused, socks.Fault);
        Assert.True(socks.Fault.IsOfProxy());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Wherever_the_bytes_are_split_the_end_is_the_same(bool isSocks)
    {
        var answer = isSocks
            ? Hex("0502 0100 05000003 05 68656c6c6f 0050 13")
            : Encoding.ASCII.GetBytes("HTTP/1.0 200 OK\r\nX: y\r\n\r\n\x13");
        for (var first = 0; first <= answer.Length; first++)
        {
            for (var second = first; second <= answer.Length; second++)
            {
                var negotiation = New(isSocks);
                Talk(negotiation, [answer[..first], answer[first..second], answer[second..]], out var left);
                // The last byte is the target's.
                Assert.Equal((ProxyFault.None, 1), (negotiation.Fault, left));
            }
        }
    }

    [Fact]
    public void Http_asks_with_credentials_and_brackets()
    {
        var target = ProxyTarget.Of(new IPEndPoint(IPAddress.Parse("2001:db8::5"), 443));
        var request = Encoding.ASCII.GetString(new HttpConnectNegotiation(target, "me", "a:b").ToSend.Span);
        Assert.Equal(
            "CONNECT [2001:db8::5]:443 HTTP/1.1\r\nHost: [2001:db8::5]:443\r\n"
                + "Proxy-Authorization: Basic bWU6YTpi\r\n\r\n",
            request
        );
    }

    [Theory]
    [InlineData("HTTP/1.1 200 Connection established\r\n\r\n", "None")]
    [InlineData("HTTP/1.1 299\n\n", "None")]
    [InlineData("HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\n\r\n", "CredentialsNeeded")]
    [InlineData("HTTP/1.1 403 No\r\n\r\n", "NotAllowed")]
    [InlineData("HTTP/1.1 502 Bad\r\n\r\n", "TargetUnreachable")]
    [InlineData("HTTP/1.1 418 Teapot\r\n\r\n", "Failed")]
    [InlineData("HTTP/1.1 302 Go\r\n\r\n", "NotAProxy")]
    [InlineData("HTTP/1.1\r\n\r\n", "NotAProxy")]
    [InlineData("HTTP/1.1 -20\r\n\r\n", "NotAProxy")]
    [InlineData("SSH-2.0-x\r\n", "NotAProxy")]
    [InlineData("\u0005", "NotAProxy")]
    public void Answers_of_http_have_reasons(string answer, string fault)
    {
        var http = new HttpConnectNegotiation(Peer, null, null);
        Talk(http, [Encoding.Latin1.GetBytes(answer)], out _);
        Assert.Equal(fault, http.Fault.ToString());
    }

    [Fact]
    public void A_head_without_an_end_is_cut_off()
    {
        var http = new HttpConnectNegotiation(Peer, null, null);
        var endless = Encoding.ASCII.GetBytes(
            "HTTP/1.1 200 OK\r\nX: " + new string('x', 2 * HttpConnectNegotiation.MaxHead)
        );
        Assert.Equal(ProxyStep.Failed, http.Take(endless, out var used));
        Assert.Equal((ProxyFault.NotAProxy, HttpConnectNegotiation.MaxHead + 1), (http.Fault, used));
    }

    [Fact]
    public void No_bytes_of_a_proxy_break_a_negotiation_or_keep_it_going_for_ever()
    {
        byte[] likely = [0, 1, 2, 5, (byte)'H', (byte)'\n', (byte)' ', (byte)'2'];
        Fuzz.Run(
            5_000,
            random =>
            {
                var negotiation = New(random.Next(2) == 0);
                var taken = 0;
                var step = ProxyStep.NeedMore;
                while (step is ProxyStep.NeedMore or ProxyStep.Send && taken < 3 * HttpConnectNegotiation.MaxHead)
                {
                    var bytes = new byte[random.Next(1, 600)];
                    random.NextBytes(bytes);
                    for (var i = 0; i < bytes.Length; i++)
                    {
                        bytes[i] = random.Next(3) > 0 ? likely[random.Next(likely.Length)] : bytes[i];
                    }

                    if (random.Next(2) == 0 && taken == 0)
                    {
                        // As far as the end of the first check.
                        "HTTP/1.1 200"u8[..Math.Min(12, bytes.Length)].CopyTo(bytes);
                    }

                    step = negotiation.Take(bytes, out var used);
                    Assert.InRange(used, 0, bytes.Length);
                    Assert.True(used == bytes.Length || step != ProxyStep.NeedMore);
                    taken += bytes.Length;
                }

                Assert.True(step is ProxyStep.Connected or ProxyStep.Failed);
            }
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a\r\nX: y")]
    [InlineData("bücher.example")]
    public void Names_that_would_break_the_request_are_none(string name) =>
        Assert.False(ProxyTarget.TryCreate(name, 1, out _));

    [Fact]
    public void Datagrams_of_the_relay_are_unwrapped()
    {
        Span<byte> header = stackalloc byte[300];
        var length = Socks5Address.WriteHeader(Peer, header);
        Assert.Equal(Hex("000000 01 cb007107 1ae1"), header[..length]);
        Assert.True(Socks5Address.TryReadHeader([.. header[..length], 7, 8], out var source, out var at));
        Assert.Equal((new IPEndPoint(Peer.Address!, 6881), length), (source, at));
        length = Socks5Address.WriteHeader(Name("a.b", 1), header);
        Assert.Equal(Hex("000000 03 03 612e62 0001"), header[..length]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("000000 01 cb0071")]
    [InlineData("000000 04 cb007107 1ae1 00")]
    [InlineData("000001 01 cb007107 1ae1 00")]
    [InlineData("000000 03 03 612e62 0001 00")]
    [InlineData("000000 09 cb007107 1ae1 00")]
    [InlineData("010000 01 cb007107 1ae1 00")]
    public void Other_datagrams_are_not_taken(string datagram) =>
        Assert.False(Socks5Address.TryReadHeader(Hex(datagram), out _, out _));

    private static ProxyNegotiation New(bool isSocks) =>
        isSocks
            ? new Socks5Negotiation(Socks5Command.Connect, Peer, "u", "p")
            : new HttpConnectNegotiation(Peer, "u", "p");

    private static ProxyTarget Name(string name, int port)
    {
        Assert.True(ProxyTarget.TryCreate(name, port, out var target));
        return target;
    }

    /// <summary>Feeds the answers, as far as they are taken; what was said; how many bytes are left of the last ones.</summary>
    private static List<byte[]> Talk(ProxyNegotiation negotiation, IEnumerable<byte[]> answers, out int left)
    {
        var said = new List<byte[]> { negotiation.ToSend.ToArray() };
        var input = new List<byte>();
        var step = ProxyStep.NeedMore;
        foreach (var answer in answers)
        {
            input.AddRange(answer);
            while (input.Count > 0 && step is not (ProxyStep.Connected or ProxyStep.Failed))
            {
                step = negotiation.Take(input.ToArray(), out var used);
                input.RemoveRange(0, used);
                if (step == ProxyStep.Send)
                {
                    said.Add(negotiation.ToSend.ToArray());
                }
            }
        }

        left = input.Count;
        return said;
    }

    private static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));
}
