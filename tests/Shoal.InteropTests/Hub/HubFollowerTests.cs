using System.Collections.Concurrent;
using System.Net;
using Shoal.Engine;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;

namespace Shoal.InteropTests;

/// <summary>What a member does about a hub that forgets, and about what other programs of the same member do; over real TLS.</summary>
public sealed class HubFollowerTests
{
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_hub_whose_database_went_back_is_noticed_and_reminded_of_whom_it_had_revoked()
    {
        await using var fixture = new HubFixture();
        var folder = fixture.Folder();
        var hub = await fixture.StartAsync(folder);
        var port = hub.EndPoints[0].Port;
        var admin = await fixture.AddAsync(hub, MemberRole.Administrator);
        var (good, bad) = (
            await fixture.AddAsync(hub, MemberRole.Member),
            await fixture.AddAsync(hub, MemberRole.Member)
        );
        await hub.DisposeAsync();
        File.Copy(Path.Combine(folder, "hub.db"), Path.Combine(folder, "copy.db"));
        hub = await fixture.StartAsync(folder, port: port);
        await fixture
            .ClientOf(admin)
            .RevokeMembersAsync(new RevokeRequest([bad.Grant.Member.ToString()], false), fixture.Timeout.Token);
        await using var lab = await StartEngineAsync(fixture);
        var news = new News();
        await using (var follower = lab.Follow(good, news))
        {
            await UntilAsync(news, () => follower.Revocations?.Covers(bad.Grant.Member) == true);
        }

        Assert.Empty(news.Warnings);
        await hub.DisposeAsync();
        File.Delete(Path.Combine(folder, "hub.db-wal"));
        File.Copy(Path.Combine(folder, "copy.db"), Path.Combine(folder, "hub.db"), overwrite: true);
        hub = await fixture.StartAsync(folder, port: port);
        Assert.Equal(0, hub.Status.RevocationVersion);
        await using (lab.Follow(good, news))
        {
            await UntilAsync(news, () => hub.Status.RevocationVersion == 2);
        }

        Assert.Equal(["old-revocations"], news.Warnings);
        var refused = await Assert.ThrowsAsync<HubException>(() =>
            fixture.ClientOf(bad).ListCatalogueAsync(fixture.Timeout.Token)
        );
        Assert.Equal("certificate-revoked", refused.Code);
    }

    [Fact]
    public async Task A_key_that_a_command_put_in_the_place_of_the_given_one_is_taken_by_what_runs()
    {
        await using var fixture = new HubFixture();
        var hub = await fixture.StartAsync(fixture.Folder());
        var admin = await fixture.AddAsync(hub, MemberRole.Administrator);
        var running = await fixture.AddByFileAsync(hub, admin);
        var given = running.Identity.PublicKey.ToArray();
        Assert.True(running.HasGivenKey);
        using (var command = LocalMembership.Load(running.Folder))
        {
            await Renewal.RenewAsync(
                command,
                fixture.ClientOf(command),
                new Lock(),
                TimeProvider.System,
                fixture.Timeout.Token
            );
        }

        Assert.False(running.HasGivenKey);
        Assert.Equal(given, running.Identity.PublicKey);
        await using var lab = await StartEngineAsync(fixture);
        var news = new News();
        await using var follower = lab.Follow(running, news);
        await UntilAsync(
            news,
            () =>
                !follower.Use(local => local.Identity.PublicKey.Span.SequenceEqual(given))
                && lab.Membership!.Grant == follower.Use(local => local.Grant)
        );
        // The hub renews for the key that it knows, and for no other.
        await Renewal.RenewAsync(running, follower.Client, new Lock(), TimeProvider.System, fixture.Timeout.Token);
        Assert.Empty(news.Warnings);
    }

    private static async Task<Engine> StartEngineAsync(HubFixture fixture)
    {
        var options = new EngineOptions
        {
            StateDirectory = Directory.CreateDirectory(fixture.Folder()).FullName,
            Bind = [IPAddress.Loopback],
            UseDht = false,
            UseLsd = false,
            UsePortMapping = false,
        };
        return new Engine(
            await TorrentEngine.StartAsync(options, fixture.Timeout.Token),
            OutboundNetwork.Open(options)
        );
    }

    private static async Task UntilAsync(News news, Func<bool> holds)
    {
        for (var attempt = 0; attempt < 300; attempt++)
        {
            if (holds())
            {
                return;
            }

            await Task.Delay(100);
        }

        Assert.Fail($"it did not come true within 30 s; {string.Join(", ", news.Said)}");
    }

    private sealed class Engine(TorrentEngine engine, OutboundNetwork network) : IAsyncDisposable
    {
        public PublicationMembership? Membership { get; private set; }

        public HubFollower Follow(LocalMembership local, IHubNews news)
        {
            Membership = HubFollower.MembershipOf(local);
            var follower = new HubFollower(local, Membership, engine, network, news, Goodbye, TimeProvider.System);
            follower.Start();
            return follower;
        }

        public ValueTask DisposeAsync() => engine.DisposeAsync();
    }

    private sealed class News : IHubNews
    {
        public ConcurrentQueue<string> Warnings { get; } = [];

        /// <summary>In full, for who looks why a test failed.</summary>
        public ConcurrentQueue<string> Said { get; } = [];

        public void Warn(string code, string message)
        {
            Warnings.Enqueue(code);
            Said.Enqueue(message);
        }

        public void Answered() { }

        public void Revoked() => Warnings.Enqueue("revoked");

        public void Expired(HubAddress hub, DateTimeOffset until) => Warnings.Enqueue("expired");
    }
}
