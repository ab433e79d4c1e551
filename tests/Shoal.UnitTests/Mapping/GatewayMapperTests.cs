using System.Buffers.Binary;
using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>A mapper, and a gateway played by the test.</summary>
public sealed class GatewayMapperTests
{
    private static readonly IPAddress Gateway = IPAddress.Parse("192.168.1.1");
    private static readonly IPAddress Public = IPAddress.Parse("45.67.89.1");
    private readonly MappingLimits _limits = new();
    private readonly List<byte[]> _output = [];
    private readonly GatewayMapper _mapper;
    private TimeSpan _now = TimeSpan.FromSeconds(50);
    private IPAddress _external = Public;
    private TimeSpan _startedAt;
    private bool _speaksPcp = true;
    private bool _isSilent;
    private uint? _lifetime;
    private byte _error;
    private int _requests;

    public GatewayMapperTests() =>
        _mapper = new GatewayMapper(
            Gateway,
            IPAddress.Parse("192.168.1.2"),
            [new PortWish(MappedProtocol.Tcp, 6881), new PortWish(MappedProtocol.Udp, 6882)],
            _limits,
            new DhtRandom(new byte[32])
        );

    [Fact]
    public void Pcp_maps_both_ports_and_renews_at_half_the_time()
    {
        Run(TimeSpan.FromSeconds(1));
        Assert.Equal(
            [
                new PortMapping(new PortWish(MappedProtocol.Tcp, 6881), 6881, Public, Gateway, MappingMethod.Pcp),
                new PortMapping(new PortWish(MappedProtocol.Udp, 6882), 6882, Public, Gateway, MappingMethod.Pcp),
            ],
            _mapper.Mappings
        );
        Assert.Equal(2, _requests);
        Run(TimeSpan.FromMinutes(29));
        Assert.Equal(2, _requests);
        Run(TimeSpan.FromMinutes(2));
        Assert.Equal(4, _requests);
        Assert.Equal(2, _mapper.Mappings.Count);
    }

    [Fact]
    public void A_gateway_without_pcp_is_asked_by_nat_pmp()
    {
        _speaksPcp = false;
        Run(TimeSpan.FromSeconds(2));
        Assert.All(
            _mapper.Mappings,
            mapping => Assert.Equal((MappingMethod.NatPmp, Public), (mapping.Method, mapping.ExternalAddress))
        );
        Assert.Equal(2, _mapper.Mappings.Count);
    }

    [Fact]
    public void Nobody_is_left_alone_for_a_while()
    {
        _isSilent = true;
        Run(TimeSpan.FromMinutes(5));
        Assert.InRange(_requests, 8, 20);
        var before = _requests;
        Run(TimeSpan.FromMinutes(8));
        Assert.Equal(before, _requests);
        _isSilent = false;
        Run(TimeSpan.FromMinutes(4));
        Assert.Equal(2, _mapper.Mappings.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_gateway_that_began_anew_is_asked_again(bool pcp)
    {
        _speaksPcp = pcp;
        Run(TimeSpan.FromMinutes(5));
        var before = _requests;
        // It restarts, and says so to everybody.
        _startedAt = _now;
        Run(TimeSpan.FromSeconds(1));
        Deliver(pcp ? "0280000000000000" + Epoch() + new string('0', 24) : "00800000" + Epoch() + "2D435901");
        Run(TimeSpan.FromSeconds(1));
        Assert.InRange(_requests - before, 2, 3);
        Assert.Equal(2, _mapper.Mappings.Count);

        string Epoch() => ((uint)(_now - _startedAt).TotalSeconds).ToString("X8");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_was_mapped_is_taken_back_at_the_end(bool pcp)
    {
        _speaksPcp = pcp;
        Run(TimeSpan.FromSeconds(5));
        _mapper.Close(_now, _output);
        Assert.False(_mapper.IsClosed);
        Run(TimeSpan.FromSeconds(1));
        Assert.True(_mapper.IsClosed);
        Assert.Empty(_mapper.Mappings);
    }

    [Fact]
    public void What_is_granted_after_the_end_began_is_taken_back_too()
    {
        _mapper.Tick(_now, _output);
        var requests = _output.ToList();
        _output.Clear();
        _mapper.Close(_now, _output);
        Answer(requests[0]);
        Assert.Equal(0u, BinaryPrimitives.ReadUInt32BigEndian(Assert.Single(_output).AsSpan(4)));
    }

    [Fact]
    public void Addresses_that_lead_nowhere_are_not_believed()
    {
        foreach (var lie in new[] { "10.0.0.1", "127.0.0.1", "0.0.0.0", "224.0.0.1", "192.168.7.7", "100.64.0.9" })
        {
            _external = IPAddress.Parse(lie);
            _startedAt = _now;
            Run(TimeSpan.FromMinutes(40));
            Assert.All(_mapper.Mappings, mapping => Assert.Null(mapping.ExternalAddress));
            Assert.Equal(2, _mapper.Mappings.Count);
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(uint.MaxValue)]
    public void Lifetimes_are_bounded(uint lifetime)
    {
        _lifetime = lifetime;
        Run(TimeSpan.FromHours(6));
        // Neither without end nor never.
        Assert.InRange(_requests, 4, 2 * 6 * 60);
    }

    [Fact]
    public void A_refusal_is_believed_for_a_while()
    {
        _error = (byte)PcpResult.NotAuthorized;
        _lifetime = 0;
        Run(TimeSpan.FromMinutes(10));
        Assert.Empty(_mapper.Mappings);
        Assert.InRange(_requests, 2, 2 * 21);
    }

    [Fact]
    public void Answers_with_another_nonce_port_or_protocol_are_not_taken()
    {
        _mapper.Tick(_now, _output);
        var request = _output[0];
        _output.Clear();
        foreach (var at in new[] { 24, 35, 36, 41 })
        {
            var forged = AnswerTo(request);
            forged[at] ^= 1;
            _mapper.Receive(forged, _now, _output);
        }

        // By NAT-PMP, which has no nonce, while PCP is being spoken: nobody asked.
        Deliver("00820000000000631AE11B5800000E10");
        Assert.Empty(_mapper.Mappings);
        _mapper.Receive(AnswerTo(request), _now, _output);
        Assert.Single(_mapper.Mappings);
    }

    private void Run(TimeSpan time)
    {
        var end = _now + time;
        for (var steps = 0; ; steps++)
        {
            Assert.True(steps < 100_000, "the mapper asks without end");
            _mapper.Tick(_now, _output);
            if (_output.Count > 0)
            {
                var requests = _output.ToList();
                _output.Clear();
                requests.ForEach(Answer);
                continue;
            }

            var due = _mapper.NextDue;
            if (due >= end)
            {
                _now = end;
                return;
            }

            Assert.True(due > _now || steps % 3 < 2, "nothing to do, and no time to wait");
            _now = due > _now ? due : _now;
        }
    }

    private void Answer(byte[] request)
    {
        _requests += request[0] == 0 && request[1] == 0 ? 0 : 1;
        if (!_isSilent)
        {
            _mapper.Receive(AnswerTo(request), _now, _output);
        }
    }

    private byte[] AnswerTo(byte[] request)
    {
        var epoch = (uint)(_now - _startedAt).TotalSeconds;
        if (request[0] == 2 && !_speaksPcp)
        {
            return Convert.FromHexString($"00810001{epoch:X8}");
        }

        if (request[0] == 0 && request[1] == 0)
        {
            return [.. Convert.FromHexString($"00800000{epoch:X8}"), .. _external.GetAddressBytes()];
        }

        var asked = BinaryPrimitives.ReadUInt32BigEndian(request.AsSpan(request[0] == 0 ? 8 : 4));
        var lifetime = asked == 0 ? 0 : _lifetime ?? asked;
        byte[] answer = [.. request];
        answer[1] |= 0x80;
        if (request[0] == 0)
        {
            return
            [
                .. answer[..2],
                0,
                0,
                .. Convert.FromHexString($"{epoch:X8}"),
                .. request[4..8],
                .. Convert.FromHexString($"{lifetime:X8}"),
            ];
        }

        answer[3] = _error;
        BinaryPrimitives.WriteUInt32BigEndian(answer.AsSpan(4), lifetime);
        answer.AsSpan(8, 16).Clear();
        BinaryPrimitives.WriteUInt32BigEndian(answer.AsSpan(8), epoch);
        _external.MapToIPv6().GetAddressBytes().CopyTo(answer, 44);
        return answer;
    }

    private void Deliver(string hex)
    {
        _mapper.Receive(Convert.FromHexString(hex), _now, _output);
    }
}
