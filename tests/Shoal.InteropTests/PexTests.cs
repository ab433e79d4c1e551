using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>Peer exchange (BEP 11): two clients know only a third, and find each other.</summary>
public sealed class PexTests(Library library)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>
    /// BEP 11 lets a peer speak once a minute, and libtorrent tries an address that did not answer again after one: two
    /// of them, and time to connect.
    /// </summary>
    private static readonly TimeSpan s_exchangePatience = TimeSpan.FromSeconds(150);

    /// <summary>No tracker, no DHT, no local discovery; the one in the middle seeds slowly.</summary>
    [Theory]
    [InlineData("shoal", "libtorrent", "libtorrent")]
    [InlineData("libtorrent", "shoal", "shoal")]
    [InlineData("shoal", "shoal", "libtorrent")]
    public async Task Who_knows_only_one_peer_finds_the_others_by_it(string middle, string one, string other)
    {
        var sample = await library.DataAsync("v1");
        await using var lab = await Lab.CreateAsync($"pex-{middle}-{one}-{other}");
        var hub = await lab.AddHostAsync(middle);
        await SeedSlowlyAsync(hub, sample, middle);
        var hosts = new[] { await lab.AddHostAsync(one), await lab.AddHostAsync(other) };
        var first = await Client(one)
            .GetAsync(hosts[0], sample, magnet: false, hosts[0].SubFolder("got"), hub.EndPoint);
        await first.Process.WaitForLineAsync(line => IsPeer(line, hub, source: null), s_patience);
        var second = await Client(other)
            .GetAsync(hosts[1], sample, magnet: false, hosts[1].SubFolder("got"), hub.EndPoint);

        // One of them calls the other, and knows why.
        var calls = new List<Task>
        {
            first.Process.WaitForLineAsync(line => IsPeer(line, hosts[1], "pex"), s_exchangePatience),
            second.Process.WaitForLineAsync(line => IsPeer(line, hosts[0], "pex"), s_exchangePatience),
        };
        var failures = new List<Exception>();
        while (calls.Count > 0)
        {
            var ended = await Task.WhenAny(calls);
            if (ended.IsCompletedSuccessfully)
            {
                return;
            }

            failures.Add(ended.Exception!.InnerException!);
            calls.Remove(ended);
        }

        throw new AggregateException("neither called the other", failures);
    }

    private static IClient Client(string name) => name == "shoal" ? Subject.Client : new LibtorrentClient();

    private static async Task SeedSlowlyAsync(Host host, Sample sample, string client)
    {
        var content = Transfers.PrepareContent(host, sample, Client(client));
        var seed =
            client == "shoal"
                ? ShoalClient.Start(host, ["seed", sample.File, "--data", content, "--upload-limit", "200KiB/s"])
                : LibtorrentClient.Start(
                    host,
                    ["--torrent", sample.File, "--save", content, "--upload-limit", "200000"]
                );
        await seed.Process.WaitForLineAsync(line => line.Contains("seeding", StringComparison.Ordinal), s_patience);
    }

    /// <summary>A line that tells of a connection with the host.</summary>
    private static bool IsPeer(string line, Host host, string? source)
    {
        if (!line.StartsWith('{'))
        {
            return false;
        }

        using var json = JsonDocument.Parse(line);
        var root = json.RootElement;
        return root.GetProperty("event").GetString() == "peer"
            && root.GetProperty("address").GetString()!.StartsWith(host.Address + ":", StringComparison.Ordinal)
            && (source is null || root.GetProperty("sources").EnumerateArray().Any(one => one.GetString() == source));
    }
}
