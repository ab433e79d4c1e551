using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>What the daemon does by itself, with a real peer.</summary>
public sealed class DaemonAutomationTests(Library library)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_complete_leaves_the_incomplete_folder_whenever_the_daemon_is_killed(bool isOtherDevice)
    {
        var sample = await library.DataAsync("hybrid");
        await using var lab = await Lab.CreateAsync("inc");
        var (near, far) = (await lab.AddHostAsync("seed"), await lab.AddHostAsync("daemon"));
        var seed = await new LibtorrentClient().SeedAsync(near, sample, sample.Parent);
        // Memory is a file system of its own.
        using var memory = new StateFolder("/dev/shm");
        var films = far.SubFolder("films");
        var incomplete = isOtherDevice ? Path.Combine(memory.Path, "incomplete") : far.SubFolder("incomplete");
        string[] options = ["--transport", "tcp", "--set", "folders.incomplete=" + incomplete];
        string id;
        await using (var first = await DaemonProcess.StartAsync(far, options))
        {
            await first.Client.SetCategoryAsync(new CategoryItem { Name = "films", SaveDirectory = films }, None);
            var added = await first.Client.AddAsync(
                new AddTorrent
                {
                    Metainfo = Convert.ToBase64String(await File.ReadAllBytesAsync(sample.File)),
                    Category = "films",
                    Peers = [near.EndPoint],
                },
                None
            );
            id = added.Id;
            Assert.Equal((films, incomplete), (added.SaveDirectory, added.IncompleteDirectory));
            await first.WaitAsync(id, item => item.Done > 1_000_000);
            Assert.True(Directory.Exists(Path.Combine(incomplete, sample.Name)));
            Assert.False(Directory.Exists(Path.Combine(films, sample.Name)));
            await first.WaitAsync(id, item => item is { Progress: 1, State: TorrentPhase.Seeding });
            // Within the second in which the move begins, or in the middle of it, or after it.
            await first.Process.KillAsync();
        }

        await using var last = await DaemonProcess.StartAsync(far, options);
        var item = await last.WaitAsync(
            id,
            item => item is { IncompleteDirectory: null, MovingTo: null, State: TorrentPhase.Seeding, Progress: 1 }
        );
        Assert.Equal((films, "films"), (item.SaveDirectory, item.Category));
        DataSet.AssertSame(sample.Content, Path.Combine(films, sample.Name));
        Assert.False(Directory.Exists(Path.Combine(incomplete, sample.Name)));
        await last.StopAsync();
        await seed.StopAsync();
    }
}
