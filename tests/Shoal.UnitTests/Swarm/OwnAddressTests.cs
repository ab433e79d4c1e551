using System.Net;
using System.Text;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Where the world sees us: what a swarm hears of it, and what it does with it.</summary>
public sealed class OwnAddressTests
{
    private readonly SwarmFixture _fixture = new(
        new TorrentBuilder(TorrentFormat.V1).Single(100_000, 5).Build(),
        change: options => options with { ListenPort = 7777, ExternalAddresses = [] }
    );

    [Fact]
    public void What_peers_say_of_it_is_told_once_each()
    {
        var by = IPAddress.Parse("20.0.0.1");
        var peer = _fixture.Join(out _, _fixture.Stranger(by));
        Assert.Equal([new AddressSighting(by, IPAddress.Parse("8.7.6.5"))], Says(peer, 5));
        Assert.Empty(Says(peer, 6));
    }

    [Fact]
    public void We_do_not_call_ourselves_whoever_names_us_but_the_user()
    {
        // Before it is known, and after.
        Assert.Equal(["8.8.8.8:7777"], Named("8.8.8.8:7777"));
        Command(new SwarmCommand.SetExternalAddress(IPAddress.Parse("8.8.8.8")));
        Command(new SwarmCommand.SetExternalAddress(IPAddress.Parse("2001:db8::8")));
        Assert.Empty(Named("8.8.8.8:7777"));
        Assert.Empty(Named("[2001:db8::8]:7777"));
        Assert.Equal(["8.8.8.8:7778"], Named("8.8.8.8:7778"));
        Command(new SwarmCommand.SetListenPort(7779));
        Assert.Empty(Named("8.8.8.8:7779"));
        Assert.Equal(["8.8.8.8:7779"], Named("8.8.8.8:7779", PeerSource.User));
    }

    [Fact]
    public void Where_a_call_came_out_at_ourselves_we_do_not_call_until_our_port_or_address_is_another()
    {
        Command(new SwarmCommand.SetExternalAddress(IPAddress.Parse("8.8.8.8")));
        Assert.Equal(["10.0.0.7:9000"], Named("10.0.0.7:9000"));
        CameOutAtUs("10.0.0.7:9000");
        Assert.Empty(Named("10.0.0.7:9000"));
        Command(new SwarmCommand.SetExternalAddress(IPAddress.Parse("8.8.8.8")));
        Assert.Empty(Named("10.0.0.7:9000"));
        Assert.Equal(["10.0.0.7:9000"], Named("10.0.0.7:9000", PeerSource.User));
        CameOutAtUs("10.0.0.7:9000");

        Command(new SwarmCommand.SetExternalAddress(IPAddress.Parse("9.9.9.9")));
        Assert.Equal(["10.0.0.7:9000"], Named("10.0.0.7:9000"));
        CameOutAtUs("10.0.0.7:9000");
        Command(new SwarmCommand.SetListenPort(7778));
        Assert.Equal(["10.0.0.7:9000"], Named("10.0.0.7:9000"));
    }

    [Fact]
    public void Of_the_addresses_where_we_came_out_the_last_are_remembered()
    {
        for (var port = 9000; port < 9009; port++)
        {
            Named($"10.0.0.7:{port}");
            CameOutAtUs($"10.0.0.7:{port}");
        }

        Assert.Equal(["10.0.0.7:9000"], Named("10.0.0.7:9000"));
        Assert.Empty(Named("10.0.0.7:9001"));
    }

    [Fact]
    public void A_candidate_is_forgotten_as_soon_as_it_is_known_to_be_us()
    {
        Named("8.8.8.8:7778");
        Command(new SwarmCommand.SetExternalAddress(IPAddress.Parse("8.8.8.8")));
        Assert.Equal(1, _fixture.Swarm.CreateStatus(_fixture.Now).CandidateCount);
        Command(new SwarmCommand.SetListenPort(7778));
        Assert.Equal(0, _fixture.Swarm.CreateStatus(_fixture.Now).CandidateCount);
    }

    private void CameOutAtUs(string endPoint) =>
        _fixture.Do(
            new SwarmEvent(
                SwarmEventKind.ConnectFailed,
                Piece: (uint)DisconnectReason.Self,
                Payload: IPEndPoint.Parse(endPoint)
            )
        );

    private void Command(SwarmCommand command) => _fixture.Do(new SwarmEvent(SwarmEventKind.Command, Payload: command));

    private string[] Named(string endPoint, PeerSource source = PeerSource.Tracker)
    {
        var batch = new CandidateBatch([IPEndPoint.Parse(endPoint)], source);
        var effects = _fixture.Do(new SwarmEvent(SwarmEventKind.CandidatesFound, Payload: batch));
        return [.. effects.Where(e => e.Kind == SwarmEffectKind.Connect).Select(e => $"{e.Payload}")];
    }

    private AddressSighting[] Says(PeerHandle peer, byte last)
    {
        var handshake = Encoding.Latin1.GetBytes($"d1:mde6:yourip4:\x08\x07\x06{(char)last}e");
        var effects = _fixture.Message(peer, MessageId.Extended, 0, payload: handshake);
        return [.. effects.Where(e => e.Kind == SwarmEffectKind.AddressSeen).Select(e => (AddressSighting)e.Payload!)];
    }
}
