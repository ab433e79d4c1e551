using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>Encrypted connections (MSE) with clients that insist on them, and with those that refuse.</summary>
public sealed class EncryptionTests(Library library)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // How long nobody may have got anything before it counts as refused: on this network a transfer takes a second.
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(8);

    /// <summary>libtorrent in forced mode takes no plain connection, so ours is called again or calls encrypted.</summary>
    [Theory]
    [InlineData("allow", "rc4", "rc4")]
    [InlineData("allow", "plaintext", "header")]
    [InlineData("prefer", "rc4", "rc4")]
    [InlineData("prefer", "plaintext", "header")]
    [InlineData("require", "rc4", "rc4")]
    public async Task Libtorrent_that_insists_on_it(string ours, string level, string encryption)
    {
        var they = new LibtorrentClient("--encryption", "require", "--level", level);
        var we = new ShoalClient("--encryption", ours);
        await TransferAsync($"enc-{ours}-{level}-up", we, they, encryption);
        await TransferAsync($"enc-{ours}-{level}-down", they, we, encryption);
    }

    /// <summary>
    /// Metadata, the hashes of v2 and the content. Called encrypted, libtorrent stays with the v1 name of a hybrid
    /// and takes no hash request.
    /// </summary>
    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("hybrid")]
    public async Task A_link_is_enough_for_each_format(string format)
    {
        string[] options = ["--encryption", "require"];
        var they = new LibtorrentClient(options);
        var we = new ShoalClient(options);
        await TransferAsync($"enc-{format}-up", we, they, "rc4", format, magnet: true);
        await TransferAsync($"enc-{format}-down", they, we, "rc4", format, magnet: true);
    }

    [Theory]
    [InlineData("allow")]
    [InlineData("require")]
    public async Task Transmission_that_insists_on_it(string ours)
    {
        var they = new TransmissionClient(mustEncrypt: true);
        var we = new ShoalClient("--encryption", ours);
        await TransferAsync($"enc-{ours}-up", we, they, "rc4");
        await TransferAsync($"enc-{ours}-down", they, we, "rc4");
    }

    [Theory]
    [InlineData("require", "off")]
    [InlineData("off", "require")]
    public async Task Who_insists_and_who_refuses_never_meet(string ours, string theirs)
    {
        var they = new LibtorrentClient("--encryption", theirs, "--transport", "tcp");
        var we = new ShoalClient("--encryption", ours);
        await RefusalAsync($"enc-{ours}-{theirs}-up", we, they);
        await RefusalAsync($"enc-{ours}-{theirs}-down", they, we);
    }

    /// <summary>"RC4 or no connection": a client that would go on in plain after the handshake is not taken.</summary>
    [Fact]
    public async Task Who_requires_rc4_does_not_go_on_in_plain()
    {
        var they = new LibtorrentClient("--encryption", "require", "--level", "plaintext");
        var we = new ShoalClient("--encryption", "require");
        await RefusalAsync("enc-plain-up", we, they);
        await RefusalAsync("enc-plain-down", they, we);
    }

    private async Task TransferAsync(
        string name,
        IClient from,
        IClient to,
        string encryption,
        string format = "v1",
        bool magnet = false
    )
    {
        var sample = await library.DataAsync(format);
        await using var lab = await Lab.CreateAsync(name);
        var (seed, getter, source, target) = await StartAsync(lab, sample, from, to, magnet);
        await getter.WaitCompleteAsync(Patience);
        var ours = (from is ShoalClient ? seed : getter).Process;
        var line = ours.Lines.First(line => ShoalClient.IsEvent(line, "peer"));
        using var json = JsonDocument.Parse(line);
        Assert.Equal(encryption, json.RootElement.GetProperty("encryption").GetString());
        await getter.StopAsync();
        await seed.StopAsync();
        DataSet.AssertSame(sample.Content, Path.Combine(target, sample.Name), to.MakesEmptyFiles);
        DataSet.AssertSame(sample.Content, Path.Combine(source, sample.Name));
    }

    private async Task RefusalAsync(string name, IClient from, IClient to)
    {
        var sample = await library.DataAsync("v1");
        await using var lab = await Lab.CreateAsync(name);
        var (seed, getter, _, _) = await StartAsync(lab, sample, from, to);
        await Task.Delay(LongEnough);
        foreach (var process in (ClientProcess[])[seed.Process, getter.Process])
        {
            Assert.False(process.HasExited);
            Assert.DoesNotContain(process.Lines, IsMeeting);
        }

        static bool IsMeeting(string line) =>
            ShoalClient.IsEvent(line, "peer")
            || ShoalClient.IsEvent(line, "complete") && !line.Contains("\"downloaded\":0", StringComparison.Ordinal)
            || line.StartsWith("""{"event": "peer" """.TrimEnd(), StringComparison.Ordinal);
    }

    private static async Task<(RunningClient Seed, RunningClient Getter, string Source, string Target)> StartAsync(
        Lab lab,
        Sample sample,
        IClient from,
        IClient to,
        bool magnet = false
    )
    {
        var tracker = TrackerHost.Start(lab, sample);
        var near = await lab.AddHostAsync("seeding");
        var far = await lab.AddHostAsync("getting");
        var source = Transfers.PrepareContent(near, sample, from);
        var seed = await from.SeedAsync(near, sample, source);
        await tracker.WaitForSeedsAsync(sample, 1, seed.Process);
        var target = far.SubFolder("got");
        var getter = await to.GetAsync(far, sample, magnet, target, near.EndPoint);
        return (seed, getter, source, target);
    }
}
