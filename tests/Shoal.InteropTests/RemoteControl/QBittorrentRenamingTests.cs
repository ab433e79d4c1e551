namespace Shoal.InteropTests;

/// <summary>Files and folders of torrents get other names by qBittorrent's Web API.</summary>
public sealed class QBittorrentRenamingTests(Library library)
{
    [Fact]
    public async Task Files_and_folders_get_other_names_and_what_cannot_be_is_a_conflict()
    {
        var sample = await library.DataAsync("hybrid");
        await using var run = await QBittorrentCaller.StartAsync();
        await run.AddCompleteAsync(sample);
        var hash = ("hash", sample.InfoHash);
        var root = Path.Combine(run.Downloads, sample.Name);
        string At(string path) => Path.Combine(run.Downloads, path);
        Task<int> File(string from, string to) =>
            run.StatusAsync("torrents/renameFile", hash, ("oldPath", from), ("newPath", to));
        Task<int> Folder(string from, string to) =>
            run.StatusAsync("torrents/renameFolder", hash, ("oldPath", from), ("newPath", to));
        async Task<List<string>> Names() =>
            [
                .. (await run.JsonAsync("torrents/files?hash=" + sample.InfoHash))
                    .EnumerateArray()
                    .Select(file => file.GetProperty("name").GetString()!),
            ];

        Assert.Equal(200, await File($"{sample.Name}/one byte", "other/first"));
        Assert.Equal(200, await Folder($"{sample.Name}/small/3", "other/three"));
        // The earlier form: a number, and a name in the same folder.
        var place = (await Names()).IndexOf($"{sample.Name}/size-16384.bin");
        Assert.Equal(
            200,
            await run.StatusAsync("torrents/renameFile", hash, ("id", $"{place}"), ("name", "of 16 KiB"))
        );
        // Told at once, done soon.
        var names = await Names();
        Assert.Contains("other/first", names);
        Assert.Equal($"{sample.Name}/of 16 KiB", names[place]);
        Assert.Equal(30, names.Count(name => name.StartsWith("other/three/", StringComparison.Ordinal)));
        await UntilAsync(() =>
            System.IO.File.Exists(At("other/first"))
            && System.IO.File.Exists(Path.Combine(root, "of 16 KiB"))
            && System.IO.File.Exists(At("other/three/293.bin"))
        );
        // There is no folder of all files any more.
        Assert.Equal(run.Downloads, (await run.TorrentAsync(sample.InfoHash)).GetProperty("content_path").GetString());

        Assert.Equal(409, await File("other/first", $"{sample.Name}/large.bin"));
        Assert.Equal(409, await File("other/first", $"{sample.Name}/large.bin/x"));
        Assert.Equal(409, await File("other/first", "../out"));
        Assert.Equal(409, await File("other/first", "/etc/x"));
        Assert.Equal(409, await File("nothing", "x"));
        Assert.Equal(409, await Folder("other", $"{sample.Name}/small"));
        Assert.Equal(409, await Folder("other", ".."));
        Assert.Equal(409, await Folder("nothing", "x"));
        Assert.Equal(400, await run.StatusAsync("torrents/renameFile", hash, ("oldPath", "other/first")));
        Assert.Equal(409, await run.StatusAsync("torrents/renameFile", hash, ("id", "99999"), ("name", "x")));
        Assert.Equal(409, await run.StatusAsync("torrents/renameFile", hash, ("id", "0"), ("name", "a/b")));
        Assert.Equal(
            404,
            await run.StatusAsync("torrents/renameFile", ("hash", "00"), ("oldPath", "a"), ("newPath", "b"))
        );
        Directory.CreateSymbolicLink(At("out"), "/tmp");
        Assert.Equal(403, await File("other/first", "out/x"));
        Assert.Equal(names, await Names());

        Assert.Equal(200, await Folder("other/three", $"{sample.Name}/small/3"));
        Assert.Equal(200, await File("other/first", $"{sample.Name}/one byte"));
        Assert.Equal(200, await File($"{sample.Name}/of 16 KiB", $"{sample.Name}/size-16384.bin"));
        Assert.Equal(200, await Folder(sample.Name, "whole"));
        Assert.Equal(At("whole"), (await run.TorrentAsync(sample.InfoHash)).GetProperty("content_path").GetString());
        await UntilAsync(() => Directory.Exists(At("whole")) && !Directory.Exists(root));
        DataSet.AssertSame(sample.Content, At("whole"));
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        for (var i = 0; !isSo(); i++)
        {
            Assert.True(i < 400, "it did not become so within 20 seconds");
            await Task.Delay(50);
        }
    }
}
