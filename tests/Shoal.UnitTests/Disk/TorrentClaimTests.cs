using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>Several users of one state directory; here in one process, which the system tells apart by their files.</summary>
public sealed class TorrentClaimTests : IDisposable
{
    private static readonly InfoHash One = new([.. Enumerable.Repeat((byte)1, 20)]);
    private static readonly InfoHash Other = new([.. Enumerable.Repeat((byte)2, 20)]);

    private readonly string _state = Directory.CreateTempSubdirectory("shoal-claims").FullName;

    private readonly List<LockFolder> _users = [];

    public void Dispose()
    {
        _users.ForEach(user => user.Dispose());
        Directory.Delete(_state, recursive: true);
    }

    /// <summary>As a user of its own.</summary>
    private TorrentClaim Take(InfoHash torrent, string folder)
    {
        var user = new LockFolder(Path.Combine(_state, "locks"));
        _users.Add(user);
        return TorrentClaim.Take(user, _state, torrent, folder);
    }

    [Fact]
    public void One_user_takes_a_lock_once_and_many_locks_take_no_handles()
    {
        using var user = new LockFolder(Path.Combine(_state, "locks"));
        using var other = new LockFolder(Path.Combine(_state, "locks"));
        using (user.TryTake("a"))
        {
            Assert.Null(user.TryTake("a"));
            Assert.Null(other.TryTake("a"));
        }

        using var again = other.TryTake("a");
        Assert.NotNull(again);
        Assert.Null(user.TryTake("a"));
        for (var i = 0; i < 5000; i++)
        {
            Assert.NotNull(user.TryTake($"{i}"));
        }

        Assert.Null(other.TryTake("4999"));
        user.Dispose();
        Assert.NotNull(other.TryTake("4999"));
        if (OperatingSystem.IsLinux())
        {
            Assert.InRange(Directory.EnumerateFiles(Path.Combine(_state, "locks")).Count(), 1, 256);
        }
    }

    [Fact]
    public void The_same_files_of_the_same_torrent_are_one_users()
    {
        var first = Take(One, "/data/here");
        var refusal = Assert.Throws<StorageException>(() => Take(One, "/data/here/"));
        Assert.Contains("another Shoal process is working on this torrent in '/data/here/'", refusal.Message);
        Take(Other, "/data/here").Dispose();
        first.Dispose();
        Take(One, "/data/here").Dispose();
    }

    [Fact]
    public void Whoever_comes_second_for_another_folder_keeps_a_journal_of_its_own()
    {
        string ownName;
        using (var sharing = Take(One, "/data/shared"))
        using (var getting = Take(One, "/data/got"))
        {
            Assert.Equal(One.ToString(), sharing.JournalName);
            ownName = getting.JournalName;
            Assert.StartsWith($"{One}-", ownName);
            File.WriteAllText(Path.Combine(_state, ownName + ".resume"), "");
        }

        // And goes on with it when it is alone.
        using var later = Take(One, "/data/got");
        Assert.Equal(ownName, later.JournalName);
        using var again = Take(One, "/data/shared");
        Assert.Equal(One.ToString(), again.JournalName);
    }

    [Fact]
    public void Moving_takes_the_right_along()
    {
        using var claim = Take(One, "/data/here");
        var taken = Take(One, "/data/taken");
        Assert.Throws<StorageException>(() => claim.TakeAlso("/data/taken"));
        taken.Dispose();
        claim.Moved(claim.TakeAlso("/data/taken"));
        Assert.Throws<StorageException>(() => Take(One, "/data/taken"));
        Take(One, "/data/here").Dispose();
    }
}
