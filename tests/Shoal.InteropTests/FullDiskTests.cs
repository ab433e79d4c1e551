namespace Shoal.InteropTests;

public sealed class FullDiskTests(Library library)
{
    [Fact]
    public async Task A_full_disk_is_told_and_the_download_goes_on_when_there_is_space()
    {
        var sample = await library.DataAsync("hybrid");
        await using var lab = await Lab.CreateAsync();
        var near = await lab.AddHostAsync("seed");
        var far = await lab.AddHostAsync("full");
        var seeder = await new LibtorrentClient().SeedAsync(near, sample, sample.Parent);
        await seeder.WaitCompleteAsync(TimeSpan.FromSeconds(60));

        var disk = far.SubFolder("disk");
        await Lab.RunAsync("mount", ["-t", "tmpfs", "-o", "size=16m", "shoal-full-disk", disk]);
        try
        {
            var getter = await new ShoalClient().GetAsync(far, sample, magnet: false, disk, near.EndPoint);
            await getter.Process.WaitForLineAsync(
                line =>
                    ShoalClient.IsEvent(line, "warning") && line.Contains("the disk is full", StringComparison.Ordinal),
                TimeSpan.FromSeconds(30)
            );
            // It waits: neither ends nor claims to be complete.
            await Task.Delay(TimeSpan.FromSeconds(1));
            Assert.False(getter.Process.HasExited);
            Assert.DoesNotContain(getter.Process.Lines, line => ShoalClient.IsEvent(line, "complete"));

            await Lab.RunAsync("mount", ["-o", "remount,size=200m", disk]);
            await getter.WaitCompleteAsync(TimeSpan.FromSeconds(60));
            await getter.StopAsync();
            DataSet.AssertSame(sample.Content, Path.Combine(disk, sample.Name));
        }
        finally
        {
            await far.DisposeAsync();
            await Lab.RunAsync("umount", ["-l", disk]);
        }
    }

    [Fact]
    public async Task A_place_that_may_not_be_written_ends_the_download_with_one_clear_line()
    {
        var sample = await library.DataAsync("hybrid");
        await using var lab = await Lab.CreateAsync();
        var near = await lab.AddHostAsync("seed");
        var far = await lab.AddHostAsync("denied");
        var seeder = await new LibtorrentClient().SeedAsync(near, sample, sample.Parent);
        await seeder.WaitCompleteAsync(TimeSpan.FromSeconds(60));
        var target = far.SubFolder("target");
        var elsewhere = far.SubFolder("elsewhere");
        Directory.CreateSymbolicLink(Path.Combine(target, sample.Name), elsewhere);

        var getter = await new ShoalClient().GetAsync(far, sample, magnet: false, target, near.EndPoint);
        var line = await getter.Process.WaitForLineAsync(
            line => ShoalClient.IsEvent(line, "error"),
            TimeSpan.FromSeconds(30)
        );

        Assert.Contains("symbolic link", line);
        Assert.Contains("disk-failed", line);
        Assert.DoesNotContain(getter.Process.Lines, line => line.Contains("disk-recovered", StringComparison.Ordinal));
        Assert.Empty(Directory.GetFileSystemEntries(elsewhere));
    }
}
