namespace Shoal.InteropTests;

/// <summary>What every client's tests do: one seed, one receiver, content compared on both sides.</summary>
internal sealed class Transfers(Library library, IClient other)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>The other client downloads from Shoal.</summary>
    public async Task FromSubjectAsync(string format, bool magnet = false) =>
        await RunAsync(await library.DataAsync(format), Subject.Client, other, magnet);

    /// <summary>Shoal downloads from the other client.</summary>
    public async Task ToSubjectAsync(string format, bool magnet = false) =>
        await RunAsync(await library.DataAsync(format), other, Subject.Client, magnet);

    /// <summary>Moves a torrent's content from one client to another.</summary>
    public static async Task RunAsync(Sample sample, IClient from, IClient to, bool magnet)
    {
        await using var lab = await Lab.CreateAsync($"{from.Name}-{to.Name}");
        var tracker = TrackerHost.Start(lab, sample);
        var near = await lab.AddHostAsync($"{from.Name}-seeding");
        var far = await lab.AddHostAsync($"{to.Name}-getting");

        var source = PrepareContent(near, sample, from);
        var seed = await from.SeedAsync(near, sample, source);
        await tracker.WaitForSeedsAsync(sample, 1, seed.Process);

        var target = far.SubFolder("got");
        var getter = await to.GetAsync(far, sample, magnet, target, near.EndPoint);
        try
        {
            await getter.WaitCompleteAsync(s_patience);
        }
        catch (Xunit.Sdk.XunitException e)
        {
            throw seed.Process.Failure($"was the seed when {e.Message}\n");
        }
        await getter.StopAsync();
        await seed.StopAsync();
        DataSet.AssertSame(sample.Content, Path.Combine(target, sample.Name), to.MakesEmptyFiles);
        DataSet.AssertSame(sample.Content, Path.Combine(source, sample.Name));
    }

    /// <summary>A copy of the content for a seed: a client that spoils its own files spoils nobody else's.</summary>
    public static string PrepareContent(Host host, Sample sample, IClient client)
    {
        var folder = host.SubFolder("content");
        if (File.Exists(sample.Content))
        {
            File.Copy(sample.Content, Path.Combine(folder, sample.Name));
            return folder;
        }
        foreach (var file in Directory.EnumerateFiles(sample.Content, "*", SearchOption.AllDirectories))
        {
            var copy = new FileInfo(Path.Combine(folder, Path.GetRelativePath(sample.Parent, file)));
            copy.Directory!.Create();
            File.Copy(file, copy.FullName);
        }
        foreach (var (path, size) in client.KnowsPadFiles ? [] : sample.Pads)
        {
            var pad = new FileInfo(Path.Combine(folder, path));
            pad.Directory!.Create();
            using var stream = new FileStream(pad.FullName, FileMode.OpenOrCreate);
            stream.SetLength(Math.Max(stream.Length, size));
        }
        return folder;
    }
}
