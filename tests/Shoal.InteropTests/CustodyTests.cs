using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>Receipts and challenges, each as a program on a machine of its own.</summary>
public sealed class CustodyTests
{
    private const string Name = "measurements.bin";
    private const int Size = 12_000_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task The_publisher_sees_who_served_and_finds_the_one_who_lies_about_its_copy()
    {
        await using var lab = await Lab.CreateAsync("custody");
        var hub = await Invited.StartHubAsync(lab, "--receipts", "signed", "--metrics", "127.0.0.1:9450");
        var (publisher, publishing) = await PublishAsync(lab, hub, "--upload-limit", "2MiB/s");
        var members = new Dictionary<string, (Host Host, ClientProcess Process, string Id)>();
        foreach (var name in new[] { "ada", "ben", "eve" })
        {
            var host = await lab.AddHostAsync(name);
            await Invited.InviteAsync(hub, host, "member");
            var process = Invited.Join(host, "-o got --seed --receipts");
            members.Add(name, (host, process, await IdOfAsync(process)));
        }

        foreach (var (_, process, _) in members.Values)
        {
            await process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "complete"), Patience);
        }

        // Bytes of the origin against bytes of members, and copies; every byte was told of once.
        var status = await UntilAsync(() => StatusAsync(publisher), line => line.GetProperty("copies").GetInt32() == 3);
        var (fromOrigin, fromMembers) = (Number(status, "fromOrigin"), Number(status, "fromMembers"));
        Console.WriteLine($"from the origin {fromOrigin}, from members {fromMembers}");
        Assert.Equal(3L * Size, fromOrigin + fromMembers);
        Assert.Equal("signed", status.GetProperty("kept").GetString());
        Assert.True(status.GetProperty("verified").GetBoolean());
        Assert.Equal((3, 0, 0), (Number(status, "receivers"), Number(status, "proven"), Number(status, "failed")));
        Assert.True(fromOrigin >= Size, "somebody must have had it first");
        Assert.True(fromMembers > 0, "members help each other");
        // It tells once a second, so perhaps after the members told theirs.
        await publishing.WaitForLineAsync(
            line => ShoalClient.IsEvent(line, "progress") && UploadedOf(line) >= fromOrigin,
            Patience
        );

        // Eve claims all of it and has changed it since; Ben has lost a part.
        await using (var changed = OpenBeside(members["eve"].Host))
        {
            await changed.WriteAsync(new byte[Size]);
        }

        await using (var cut = OpenBeside(members["ben"].Host))
        {
            cut.SetLength(1);
        }

        var watch = Stopwatch.StartNew();
        var challenge = publisher.Start(
            Tools.Shoal,
            ["custody", "challenge", Name, "--data", "data", "--wait", "60s", .. State(publisher)]
        );
        Assert.Equal(3, await challenge.WaitForExitAsync(Patience));
        Console.WriteLine($"three challenges took {watch.Elapsed.TotalSeconds:F1} s");
        Assert.Equal("proven", VerdictOf(challenge, members["ada"].Id));
        Assert.Equal("wrong", VerdictOf(challenge, members["eve"].Id));
        Assert.Equal("missing", VerdictOf(challenge, members["ben"].Id));
        // They wait for it: nobody has to ask first.
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"it took {watch.Elapsed}");
        status = await StatusAsync(publisher);
        Assert.Equal((1, 2), (Number(status, "proven"), Number(status, "failed")));

        // Ada sees what she told, and that she was asked.
        var (ada, adaRuns, id) = members["ada"];
        var told = await RunAsync(ada, "member", "receipts");
        var receipt = Event(told, "receipt");
        Assert.True(receipt.GetProperty("complete").GetBoolean());
        Assert.Equal(Size, Number(receipt, "bytes"));
        Assert.True(Event(told, "answered").GetProperty("complete").GetBoolean());
        Assert.True(Event(told, "kept").GetProperty("signed").GetBoolean());

        // Who is not there does not answer, which says nothing against it.
        await adaRuns.StopAsync();
        var silent = publisher.Start(
            Tools.Shoal,
            ["custody", "challenge", Name, "--data", "data", "--member", id, "--wait", "3s", .. State(publisher)]
        );
        Assert.Equal(0, await silent.WaitForExitAsync(Patience));
        Assert.Equal("no-answer", VerdictOf(silent, id));
        var metrics = await hub.RunAsync(
            "python3",
            ["-c", "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9450/metrics').read().decode())"]
        );
        Assert.Contains(
            "shoal_hub_requests_total{route=\"/v1/receipts\",code=\"2xx\"}",
            metrics,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(id, metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_told_without_consent_nor_after_it_was_taken_back()
    {
        await using var lab = await Lab.CreateAsync("consent");
        var hub = await Invited.StartHubAsync(lab);
        var (publisher, _) = await PublishAsync(lab, hub, "--ask-receipts");
        var (ada, ben) = (await lab.AddHostAsync("ada"), await lab.AddHostAsync("ben"));
        await Invited.InviteAsync(hub, ada, "member");
        await Invited.InviteAsync(hub, ben, "member");

        var silent = Invited.Join(ada, "-o got");
        Assert.Equal(0, await silent.WaitForExitAsync(Patience));
        Assert.Contains(silent.Lines, line => line.Contains("\"receipts-asked\"", StringComparison.Ordinal));
        var told = await RunAsync(ada, "member", "receipts");
        Assert.Equal(JsonValueKind.Null, Event(told, "receipts").GetProperty("agreed").ValueKind);
        Assert.Single(told);
        Assert.Equal(0, Number(await StatusAsync(publisher), "receivers"));

        // Ben agrees, while it is sums that are kept: nobody learns who told.
        var open = Invited.Join(ben, "-o got --seed --receipts");
        await open.WaitForLineAsync(line => ShoalClient.IsEvent(line, "complete"), Patience);
        var status = await UntilAsync(() => StatusAsync(publisher), line => Number(line, "copies") == 1);
        Assert.Equal(
            ("sums", false),
            (status.GetProperty("kept").GetString(), status.GetProperty("verified").GetBoolean())
        );
        Assert.Equal(Size, Number(status, "fromOrigin") + Number(status, "fromMembers"));
        told = await RunAsync(ben, "member", "receipts");
        Assert.Equal("sums", Event(told, "receipts").GetProperty("agreed").GetString());
        Assert.False(Event(told, "kept").GetProperty("signed").GetBoolean());
        string[][] curious =
        [
            ["custody", "status", Name, "--members"],
            ["custody", "challenge", Name, "--data", "data"],
        ];
        foreach (var command in curious)
        {
            var refused = publisher.Start(Tools.Shoal, [.. command, .. State(publisher)]);
            Assert.Equal(1, await refused.WaitForExitAsync(Patience));
            Assert.Contains(refused.Lines, line => line.Contains("keeps sums", StringComparison.Ordinal));
        }

        // He takes it back while it runs; its last word is not said any more.
        told = await RunAsync(ben, "member", "receipts", "--off");
        Assert.Single(told);
        await open.StopAsync();
        Assert.Equal(0, Number(await StatusAsync(publisher), "receivers"));
        Assert.Single(await RunAsync(ben, "member", "receipts"));
    }

    private static async Task<(Host Host, ClientProcess Process)> PublishAsync(Lab lab, Host hub, params string[] more)
    {
        var (publisher, _, publishing) = await Invited.PublishAsync(lab, hub, Name, Size, more);
        return (publisher, publishing);
    }

    private static long UploadedOf(string line)
    {
        using var progress = JsonDocument.Parse(line);
        return progress.RootElement.GetProperty("uploaded").GetInt64();
    }

    /// <summary>The member's copy, while the member has it open.</summary>
    private static FileStream OpenBeside(Host host) =>
        new(Path.Combine(host.Folder, "got", Name), FileMode.Open, FileAccess.Write, FileShare.ReadWrite);

    private static string[] State(Host host) => ["--json", "--state", host.SubFolder("state")];

    private static async Task<string> IdOfAsync(ClientProcess joining)
    {
        await joining.WaitForLineAsync(line => ShoalClient.IsEvent(line, "joined"), Patience);
        using var joined = JsonDocument.Parse(joining.Lines.First(line => ShoalClient.IsEvent(line, "joined")));
        return joined.RootElement.GetProperty("member").GetString()!;
    }

    private static async Task<List<JsonElement>> RunAsync(Host host, params string[] command)
    {
        var output = await host.RunAsync(Tools.Shoal, [.. command, .. State(host)]);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
    }

    private static async Task<JsonElement> StatusAsync(Host publisher) =>
        Assert.Single(await RunAsync(publisher, "custody", "status", Name));

    private static string? VerdictOf(ClientProcess challenge, string member) =>
        challenge
            .Lines.Where(line => ShoalClient.IsEvent(line, "challenge"))
            .Select(Parse)
            .Single(line => line.GetProperty("member").GetString() == member)
            .GetProperty("verdict")
            .GetString();

    private static JsonElement Event(IEnumerable<JsonElement> lines, string name) =>
        Assert.Single(lines, line => line.GetProperty("event").GetString() == name);

    private static JsonElement Parse(string line)
    {
        using var json = JsonDocument.Parse(line);
        return json.RootElement.Clone();
    }

    private static long Number(JsonElement line, string name) => line.GetProperty(name).GetInt64();

    private static async Task<JsonElement> UntilAsync(Func<Task<JsonElement>> ask, Func<JsonElement, bool> holds)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var answer = await ask();
            if (holds(answer))
            {
                return answer;
            }

            Assert.True(watch.Elapsed < Patience, $"it did not come true: {answer}");
            await Task.Delay(500);
        }
    }
}
