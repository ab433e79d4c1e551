using Shoal.Files;

namespace Shoal.UnitTests;

public sealed class PrivateFilesTests
{
    [Fact]
    public void Several_that_write_a_file_at_once_all_write_it_whole_and_it_can_be_read_all_the_time()
    {
        var folder = Directory.CreateTempSubdirectory("shoal-private-").FullName;
        try
        {
            var path = Path.Combine(folder, "key");
            PrivateFiles.Write(path, Content(0));
            Parallel.For(
                0,
                64,
                i =>
                {
                    PrivateFiles.Write(path, Content(i));
                    var read = PrivateFiles.Read(path, 10_000);
                    Assert.Equal(Content(read[0]), read);
                }
            );
            Assert.Equal([path], Directory.GetFileSystemEntries(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void What_a_killed_program_left_is_deleted_and_nothing_that_somebody_may_still_write()
    {
        using var folder = new TempFolder();
        var now = new DateTime(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);
        var (hourAgo, justNow) = (now.AddHours(-1), now.AddMinutes(-59));
        // Process 7 is not there, 8 began before the file was written, 9 has the number of one that was there before.
        var starts = new Dictionary<int, DateTime> { [8] = hourAgo.AddMinutes(-1), [9] = hourAgo.AddMinutes(1) };
        string[] left = ["a.key.7.1.new", "b.json.7.12.new", "c.9.3.new"];
        string[] others =
        [
            "d.8.1.new",
            "e.resume.new",
            "f.new",
            ".7.1.new",
            "g.7.1.new.txt",
            "h.7.new",
            "i.x.1.new",
            "7.1.newer",
        ];
        foreach (var name in left.Concat(others).Append("in/j.7.1.new"))
        {
            File.SetLastWriteTimeUtc(folder.Write(name, [1]), hourAgo);
        }

        File.SetLastWriteTimeUtc(folder.Write("k.7.1.new", [1]), justNow);
        PrivateFiles.Sweep(folder.Path, now, process => starts.TryGetValue(process, out var start) ? start : null);

        string[] stays = [.. others, "in/j.7.1.new", "k.7.1.new"];
        Assert.Equal(stays.Order(StringComparer.Ordinal), folder.Files);
    }

    [Fact]
    public void A_file_that_is_not_finished_now_is_not_swept_whoever_writes_it()
    {
        using var folder = new TempFolder();
        folder.Write($"a.{Environment.ProcessId}.1.new", [1]);
        folder.Write("a.2147483647.1.new", [1]);
        PrivateFiles.Sweep(folder.Path);
        PrivateFiles.Sweep(folder["nowhere"]);
        Assert.Equal(2, folder.Files.Count);

        var longAgo = DateTime.UtcNow.AddDays(-100);
        foreach (var file in folder.Files)
        {
            File.SetLastWriteTimeUtc(folder[file], longAgo);
        }

        PrivateFiles.Sweep(folder.Path);
        Assert.Empty(folder.Files);
    }

    private static byte[] Content(int number)
    {
        var content = new byte[10_000];
        Array.Fill(content, (byte)number);
        return content;
    }
}
