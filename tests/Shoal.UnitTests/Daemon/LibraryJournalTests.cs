using System.Buffers;
using Shoal.Daemon;

namespace Shoal.UnitTests;

public sealed class LibraryJournalTests
{
    [Fact]
    public async Task What_was_acknowledged_is_there_after_a_restart()
    {
        using var folder = new TempFolder();
        var path = folder["library.journal"];
        await using (var journal = LibraryJournal.Open(path, TimeProvider.System))
        {
            await journal.AppendAsync([Put("a"), Put("b")]);
            await journal.AppendAsync([Put("a", paused: true)]);
            await journal.AppendAsync([new LibraryRecord { Gone = "b" }]);
        }

        await using var again = LibraryJournal.Open(path, TimeProvider.System);
        var entry = Assert.Single(again.Entries);
        Assert.Equal(("a", true, 0), (entry.Id, entry.Paused, again.BrokenLines));
    }

    [Fact]
    public async Task A_file_cut_anywhere_gives_what_was_whole_before()
    {
        using var folder = new TempFolder();
        var path = folder["library.journal"];
        var lines = new ArrayBufferWriter<byte>();
        var ends = new List<int>();
        for (var i = 0; i < 5; i++)
        {
            LibraryLines.Write(lines, Put($"t{i}"));
            ends.Add(lines.WrittenCount);
        }

        for (var cut = 0; cut <= lines.WrittenCount; cut++)
        {
            Assert.Equal(ends.Count(end => end <= cut), LibraryLines.Read(lines.WrittenSpan[..cut], out _).Count);
        }

        // And the daemon goes on from there: what comes next is not glued to the torn line.
        await File.WriteAllBytesAsync(path, lines.WrittenSpan[..(lines.WrittenCount - 3)].ToArray());
        await using (var journal = LibraryJournal.Open(path, TimeProvider.System))
        {
            Assert.Equal((4, 1), (journal.Entries.Count, journal.BrokenLines));
            await journal.AppendAsync([Put("new")]);
        }

        await using var again = LibraryJournal.Open(path, TimeProvider.System);
        Assert.Equal(["new", "t0", "t1", "t2", "t3"], again.Entries.Select(entry => entry.Id).Order());
        Assert.True(File.Exists(path + ".broken"));
    }

    [Fact]
    public void Mutated_files_are_read_as_far_as_they_are_right()
    {
        var lines = new ArrayBufferWriter<byte>();
        for (var i = 0; i < 20; i++)
        {
            LibraryLines.Write(lines, Put($"t{i}"));
        }

        var random = new Random(3);
        for (var round = 0; round < 3000; round++)
        {
            var bytes = lines.WrittenSpan.ToArray();
            for (var i = 0; i < 3; i++)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var entries = LibraryLines.Read(bytes, out var broken);
            // A line feed that is gone takes two lines with it.
            Assert.InRange(entries.Count, 14, 20);
            Assert.True(broken > 0 || entries.Count == 20);
        }
    }

    [Fact]
    public async Task A_state_folder_that_fails_is_told_and_everything_is_written_when_it_works_again()
    {
        using var folder = new TempFolder();
        var state = folder["state"];
        var path = Path.Combine(state, "library.journal");
        await using (var journal = LibraryJournal.Open(path, TimeProvider.System))
        {
            await Assert.ThrowsAsync<IOException>(() => journal.AppendAsync([Put("a")]));
            Assert.NotNull(journal.Problem);
            Directory.CreateDirectory(state);
            await journal.AppendAsync([Put("b")]);
            Assert.Null(journal.Problem);
        }

        await using var again = LibraryJournal.Open(path, TimeProvider.System);
        Assert.Equal(["a", "b"], again.Entries.Select(entry => entry.Id).Order());
    }

    [Fact]
    public async Task A_file_of_old_lines_is_written_anew()
    {
        using var folder = new TempFolder();
        var path = folder["library.journal"];
        await using (var journal = LibraryJournal.Open(path, TimeProvider.System))
        {
            for (var i = 0; i < 40; i++)
            {
                await journal.AppendAsync([.. Enumerable.Range(0, 200).Select(n => Put($"{n % 4}"))]);
            }

            Assert.True(new FileInfo(path).Length < 2 * 1024 * 1024);
        }

        await using var again = LibraryJournal.Open(path, TimeProvider.System);
        Assert.Equal(4, again.Entries.Count);
    }

    [Fact]
    public async Task Many_changes_of_one_torrent_at_once_are_one_line()
    {
        using var folder = new TempFolder();
        var path = folder["library.journal"];
        var change = new LibraryRecord
        {
            Put = new LibraryEntry
            {
                Id = "a",
                Name = new string('x', 1_000_000),
                SaveDirectory = "/srv",
            },
        };
        await using (var journal = LibraryJournal.Open(path, TimeProvider.System))
        {
            // One call that brings all of them, as a list with one torrent in it ten thousand times does.
            await journal.AppendAsync([.. Enumerable.Repeat(change, 5000)]);
        }

        Assert.InRange(new FileInfo(path).Length, 1_000_000, 4_000_000);
    }

    [Fact]
    public void What_is_taken_can_be_read_again_however_long()
    {
        var bytes = new ArrayBufferWriter<byte>();
        var entry = new LibraryEntry
        {
            Id = "a",
            Name = "a",
            SaveDirectory = "/srv",
            Labels = [.. Enumerable.Range(0, 400_000).Select(i => $"label {i}")],
        };
        LibraryLines.Write(bytes, new LibraryRecord { Put = entry });
        Assert.Single(LibraryLines.Read(bytes.WrittenSpan, out var broken));
        Assert.Equal(0, broken);
    }

    private static LibraryRecord Put(string id, bool paused = false) =>
        new()
        {
            Put = new LibraryEntry
            {
                Id = id,
                Name = "a name\nwith a line feed",
                SaveDirectory = "/srv/films",
                Paused = paused,
                Labels = ["one", "two"],
            },
        };
}
