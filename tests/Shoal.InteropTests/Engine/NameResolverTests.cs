using System.Net;
using System.Net.Sockets;
using Shoal.Engine;

namespace Shoal.InteropTests;

/// <summary>Our own look-up of names, at a server of the test on loopback.</summary>
public sealed class NameResolverTests
{
    private static readonly IPAddress First = IPAddress.Parse("192.0.2.1");

    private static NameResolver Resolver(NameServer server, NameSystem? system = null) =>
        new(
            LocalBinding.Create([IPAddress.Loopback], [], LocalInterface.ReadAll),
            [server.EndPoint],
            system ?? new Files(),
            TimeProvider.System
        );

    [Fact]
    public async Task A_name_is_asked_for_and_remembered()
    {
        await using var server = new NameServer((question, _) => [NameServer.Answer(question, First)]);
        var resolver = Resolver(server);
        Assert.Equal([First], await resolver.ResolveAsync("tracker.example", default));
        Assert.Equal([First], await resolver.ResolveAsync("Tracker.Example.", default));
        Assert.Equal(1, server.Questions);
        Assert.Equal([IPAddress.Parse("192.0.2.7")], await resolver.ResolveAsync("listed", default));
        Assert.Equal(1, server.Questions);
    }

    [Fact]
    public async Task Answers_that_somebody_guessed_are_not_taken()
    {
        await using var server = new NameServer(
            (question, _) =>
            {
                var false_ = NameServer.Answer(question, IPAddress.Parse("192.0.2.66"));
                var otherId = (byte[])false_.Clone();
                otherId[0] ^= 1;
                var otherName = (byte[])false_.Clone();
                otherName[13] ^= 1;
                return [otherId, otherName, [1, 2, 3], [], NameServer.Answer(question, First)];
            }
        );
        Assert.Equal([First], await Resolver(server).ResolveAsync("tracker.example", default));
    }

    [Fact]
    public async Task A_long_answer_comes_by_tcp()
    {
        await using var server = new NameServer(
            (question, isTcp) => isTcp ? [NameServer.Answer(question, First)] : [NameServer.Flagged(question, 0x8380)]
        );
        Assert.Equal([First], await Resolver(server).ResolveAsync("tracker.example", default));
        Assert.Equal(2, server.Questions);
    }

    [Fact]
    public async Task A_name_that_nobody_knows_fails_at_once_and_a_silent_server_after_a_while()
    {
        await using var server = new NameServer((question, _) => [NameServer.Flagged(question, 0x8183)]);
        var unknown = await Assert.ThrowsAsync<SocketException>(async () =>
            await Resolver(server).ResolveAsync("nobody.example", default)
        );
        Assert.Equal(SocketError.HostNotFound, unknown.SocketErrorCode);
        await using var silent = new NameServer((_, _) => []);
        var failed = await Assert.ThrowsAsync<SocketException>(async () =>
            await Resolver(silent).ResolveAsync("nobody.example", default)
        );
        Assert.Equal(SocketError.TryAgain, failed.SocketErrorCode);
        Assert.Equal(2, silent.Questions);
    }

    [Fact]
    public async Task A_server_on_this_machine_is_not_asked_unless_the_user_says_so()
    {
        // Documentation addresses: nothing is sent.
        var local = LocalBinding.Create([First], [], () => []);
        var resolver = new NameResolver(local, [], new Files(), TimeProvider.System);
        var failed = await Assert.ThrowsAnyAsync<SocketException>(async () =>
            await resolver.ResolveAsync("tracker.example", default)
        );
        Assert.Contains("127.0.0.53", failed.Message, StringComparison.Ordinal);
        Assert.Contains("--dns", failed.Message, StringComparison.Ordinal);
        await using var server = new NameServer((question, _) => [NameServer.Answer(question, First)]);
        resolver = new NameResolver(local, [server.EndPoint], new Files(), TimeProvider.System);
        Assert.Equal([First], await resolver.ResolveAsync("tracker.example", default));
    }

    private sealed class Files : NameSystem
    {
        public override string ReadHosts() => "192.0.2.7 listed\n";

        public override string ReadConfiguration() => "nameserver 127.0.0.53\n";

        public override string ReadUpstream() => "";
    }
}
