using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>
/// Two homes behind routers that let nobody in. Somebody with a public address is connected to both, has next to nothing of
/// the content and hardly takes any: what arrives has come from one home to the other.
/// </summary>
public sealed class NatTests
{
    private const int Size = 4_000_000;

    /// <summary>
    /// Of what the relay fetches, bytes a second: within our patience it has less than half of the content to pass on. Much less
    /// would not do: the peers share it by blocks, and what they ask of the relay waits for its turn.
    /// </summary>
    private const string RelayRate = "10000";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    [Theory]
    [InlineData("shoal", "shoal", "shoal", "KeepsPorts", "KeepsPorts")]
    [InlineData("shoal", "shoal", "shoal", "ChangesPorts", "ChangesPorts")]
    [InlineData("libtorrent", "shoal", "shoal", "KeepsPorts", "KeepsPorts")]
    [InlineData("shoal", "libtorrent", "shoal", "KeepsPorts", "KeepsPorts")]
    [InlineData("shoal", "shoal", "libtorrent", "KeepsPorts", "KeepsPorts")]
    public async Task Two_homes_are_introduced_and_call_each_other(
        string relay,
        string seed,
        string leech,
        string seedRouter,
        string leechRouter
    )
    {
        await using var lab = await NatLab.CreateAsync($"nat-{relay}-{seed}-{leech}-{leechRouter}");
        var sample = await SampleAsync(lab);
        var middle = await lab.AddPublicAsync($"relay-{relay}");
        var one = await lab.AddHomeAsync($"seed-{seed}", Enum.Parse<NatKind>(seedRouter));
        var other = await lab.AddHomeAsync($"leech-{leech}", Enum.Parse<NatKind>(leechRouter));

        Start(middle, relay, sample, content: null, ["--download-limit", RelayRate]);
        // The seed does not hear of the other by peer exchange: else both would call by themselves, often at the same time.
        var seeding = Start(one.Inside, seed, sample, sample.Parent, ["--peer", middle.EndPoint, "--no-pex"]);
        await seeding.WaitForLineAsync(line => IsPeer(line, middle.Address, null), s_patience);
        var getting = Start(other.Inside, leech, sample, content: null, ["--peer", middle.EndPoint]);

        // Whichever of ours there is knows how it came to that.
        var ours = leech == "shoal" ? getting : seeding;
        var far = leech == "shoal" ? one : other;
        await ours.WaitForLineAsync(line => IsPeer(line, far.PublicAddress, "holepunch"), s_patience);
        await getting.WaitForLineAsync(
            line =>
                line.Contains("\"complete\"", StringComparison.Ordinal)
                && line.Contains("event", StringComparison.Ordinal),
            s_patience
        );
        DataSet.AssertSame(sample.Content, Path.Combine(other.Inside.SubFolder("got"), sample.Name));
        if (leech == "shoal")
        {
            // A seed is of no more use to it.
            await getting.WaitForLineAsync(line => HasGone(line, one.PublicAddress, atLeast: Size / 2), s_patience);
        }
    }

    /// <summary>Where a router has another port for everybody there is no way; then nothing goes on for ever.</summary>
    [Fact]
    public async Task Where_there_is_no_way_it_ends()
    {
        await using var lab = await NatLab.CreateAsync();
        var sample = await SampleAsync(lab);
        var middle = await lab.AddPublicAsync("relay");
        var one = await lab.AddHomeAsync("seed", NatKind.Random);
        var other = await lab.AddHomeAsync("leech", NatKind.Random);
        Start(middle, "shoal", sample, content: null, ["--download-limit", RelayRate]);
        var seeding = Start(one.Inside, "shoal", sample, sample.Parent, ["--peer", middle.EndPoint]);
        await seeding.WaitForLineAsync(line => IsPeer(line, middle.Address, null), s_patience);
        var getting = Start(other.Inside, "shoal", sample, content: null, ["--peer", middle.EndPoint]);
        await getting.WaitForLineAsync(line => IsPeer(line, middle.Address, null), s_patience);

        // All attempts take some seconds, on a busy machine more; then hardly a datagram leaves for the other home any more.
        await other.Router.RunAsync(
            "nft",
            $$"""
            add table ip count
            add chain ip count out { type filter hook postrouting priority 200; }
            add rule ip count out ip daddr {{one.PublicAddress}} counter
            """
        );
        var clock = Stopwatch.StartNew();
        var sent = new List<int> { 0 };
        do
        {
            await Task.Delay(TimeSpan.FromSeconds(10));
            sent.Add(await CountedAsync(other));
            Assert.True(clock.Elapsed < s_patience, $"Sent so far, each ten seconds: {string.Join(' ', sent)}");
        } while (sent[^1] == 0 || sent[^1] - sent[^2] > 30);
    }

    /// <summary>The datagrams to the other home since counting began.</summary>
    private static async Task<int> CountedAsync(Home home)
    {
        var rules = await home.Router.RunAsync("nft", "list", "chain", "ip", "count", "out");
        return int.Parse(rules.Split("packets ")[1].Split(' ')[0], CultureInfo.InvariantCulture);
    }

    private static async Task<Sample> SampleAsync(NatLab lab)
    {
        var content = Directory.CreateDirectory(Path.Combine(lab.Lab.Folder, "content")).FullName;
        var file = Path.Combine(content, "file.bin");
        DataSet.File(content, "file.bin", Size, new Random(DataSet.Seed));
        var torrent = Path.Combine(lab.Lab.Folder, "file.torrent");
        await Lab.RunAsync(Tools.Shoal, ["create", file, "-o", torrent, "--format", "v1", "--piece-length", "64KiB"]);
        return await Sample.ReadAsync(torrent, file);
    }

    /// <param name="content">Where a seed has it; null: it is fetched.</param>
    private static ClientProcess Start(Host host, string client, Sample sample, string? content, string[] more)
    {
        if (client == "libtorrent")
        {
            var save = content ?? host.SubFolder("got");
            string[] options = ["--torrent", sample.File, "--save", save, "--transport", "utp", "--encryption", "off"];
            return LibtorrentClient.Start(host, [.. options, .. more]).Process;
        }

        string[] command = content is null
            ? ["get", more.Contains("--peer") ? sample.Magnet : sample.File, "-o", host.SubFolder("got"), "--seed"]
            : ["seed", sample.File, "--data", content];
        return ShoalClient.Start(host, [.. command, "--transport", "utp", "--no-trackers", .. more]).Process;
    }

    /// <summary>A line of either client that tells of a connection by uTP with the address.</summary>
    private static bool IsPeer(string line, string address, string? source) =>
        About(line, "peer", address) is { } peer
        && peer.GetProperty("transport").GetString() == "utp"
        && (source is null || peer.GetProperty("sources").EnumerateArray().Any(one => one.GetString() == source));

    /// <summary>A line of ours that tells that a connection is over that has brought so many bytes.</summary>
    private static bool HasGone(string line, string address, long atLeast) =>
        About(line, "peer-gone", address) is { } peer && peer.GetProperty("downloaded").GetInt64() >= atLeast;

    private static JsonElement? About(string line, string name, string address)
    {
        if (!line.StartsWith('{'))
        {
            return null;
        }

        using var json = JsonDocument.Parse(line);
        var root = json.RootElement;
        return
            root.GetProperty("event").GetString() == name
            && root.GetProperty("address").GetString()!.StartsWith(address + ":", StringComparison.Ordinal)
            ? root.Clone()
            : null;
    }
}
