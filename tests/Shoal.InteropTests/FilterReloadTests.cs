namespace Shoal.InteropTests;

/// <summary>SIGHUP reads the lists of <c>--ip-filter</c> again while the program goes on.</summary>
public sealed class FilterReloadTests(Library library)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("seed")]
    [InlineData("get")]
    [InlineData("share")]
    public async Task Who_comes_into_the_filter_is_dropped_and_a_broken_file_changes_nothing(string command)
    {
        await using var lab = await Lab.CreateAsync($"reload-{command}");
        var sample = await library.DataAsync("v1");
        var (near, far) = (await lab.AddHostAsync("near"), await lab.AddHostAsync("far"));
        var list = Path.Combine(near.Folder, "list");
        await File.WriteAllTextAsync(list, "192.0.2.0/24\n");
        var content = sample.Content;
        string[] options = ["--ip-filter", list, "--upload-limit", "1MiB/s", "--download-limit", "1MiB/s"];
        var under = ShoalClient.Start(
            near,
            command switch
            {
                "seed" => ["seed", sample.File, "--data", sample.Parent, .. options],
                "share" => ["share", content, "--format", "v1", "--piece-length", "64KiB", .. options],
                _ => ["get", sample.File, "-o", near.SubFolder("got"), .. options],
            }
        );
        var other = ShoalClient.Start(
            far,
            command == "get"
                ? ["seed", sample.File, "--data", sample.Parent, "--peer", near.EndPoint]
                : ["get", sample.File, "-o", far.SubFolder("got"), "--peer", near.EndPoint]
        );
        await under.Process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "peer"), Patience);

        await File.WriteAllTextAsync(list, "this is no address\n");
        Signals.Send(under.Process.Id, Signals.HangUp);
        var warning = await under.Process.WaitForLineAsync(line => IsWarning(line), Patience);
        Assert.Contains("line 1", warning, StringComparison.Ordinal);
        Assert.Contains("stays as it was", warning, StringComparison.Ordinal);
        Assert.DoesNotContain(under.Process.Lines, line => ShoalClient.IsEvent(line, "peer-gone"));

        await File.WriteAllTextAsync(list, $"192.0.2.0/24\n{far.Address}\n");
        Signals.Send(under.Process.Id, Signals.HangUp);
        await under.Process.WaitForLineAsync(
            line => ShoalClient.IsEvent(line, "ip-filter") && line.Contains("\"ranges\":2", StringComparison.Ordinal),
            Patience
        );
        await under.Process.WaitForLineAsync(
            line =>
                ShoalClient.IsEvent(line, "peer-gone")
                && line.Contains("\"reason\":\"filtered\"", StringComparison.Ordinal)
                && line.Contains($"\"{far.Address}:", StringComparison.Ordinal),
            Patience
        );
        await under.StopAsync();
        Assert.Equal(130, under.Process.ExitCode);
        Assert.NotEmpty(other.Process.Lines);
    }

    [Fact]
    public async Task A_tracker_forgets_who_comes_into_the_filter_and_answers_them_no_more()
    {
        await using var lab = await Lab.CreateAsync();
        var sample = await library.DataAsync("v1");
        var (seeder, getter) = (await lab.AddHostAsync("seed"), await lab.AddHostAsync("get"));
        var list = Path.Combine(lab.Hub.Folder, "list");
        await File.WriteAllTextAsync(list, "# nobody\n");
        var tracker = lab.Hub.Start(
            Tools.Shoal,
            ["tracker", "--json", "--http", $"{lab.Hub.Address}:6969", "--ip-filter", list]
        );
        await tracker.WaitForLineAsync(line => ShoalClient.IsEvent(line, "listening"), Patience);
        var seed = ShoalClient.Start(seeder, ["seed", sample.File, "--data", sample.Parent]);
        await seed.Process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "complete"), Patience);
        var statistics = $"http://{lab.Hub.Address}:6969/";
        while (!(await lab.Hub.RunAsync("curl", "-s", statistics)).Contains("peers 1\n", StringComparison.Ordinal))
        {
            await Task.Delay(100);
        }

        await File.WriteAllTextAsync(list, $"{seeder.Address}\n");
        Signals.Send(tracker.Id, Signals.HangUp);
        await tracker.WaitForLineAsync(line => ShoalClient.IsEvent(line, "ip-filter"), Patience);
        await File.WriteAllTextAsync(list, "300.0.0.1\n");
        Signals.Send(tracker.Id, Signals.HangUp);
        await tracker.WaitForLineAsync(IsWarning, Patience);
        var status = await seeder.RunAsync("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", statistics);
        Assert.Equal("403", status);
        var alone = ShoalClient.Start(getter, ["get", sample.File, "-o", getter.SubFolder("got"), "--timeout", "3s"]);
        Assert.Equal(1, await alone.Process.WaitForExitAsync(Patience));
    }

    /// <summary>Where nothing would be read again it means what it always meant.</summary>
    [Fact]
    public async Task Without_a_filter_it_is_a_clean_stop()
    {
        await using var lab = await Lab.CreateAsync();
        var sample = await library.DataAsync("v1");
        var seed = ShoalClient.Start(
            await lab.AddHostAsync("seed"),
            ["seed", sample.File, "--data", sample.Parent, "--no-trackers"]
        );
        await seed.Process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "complete"), Patience);
        await seed.StopAsync(Signals.HangUp);
        Assert.Equal(130, seed.Process.ExitCode);
    }

    private static bool IsWarning(string line) =>
        ShoalClient.IsEvent(line, "warning") && line.Contains("\"code\":\"ip-filter\"", StringComparison.Ordinal);
}
