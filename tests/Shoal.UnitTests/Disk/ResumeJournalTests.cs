using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;
using Xunit;

namespace Shoal.UnitTests;

/// <summary>The journal is untrusted input (docs/formats/resume.md).</summary>
public class ResumeJournalTests
{
    [Fact]
    public void A_damaged_journal_never_throws_and_never_invents_a_piece()
    {
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 32 * 1024, 200_000, 50_000);
        var time = new ManualTime();
        var files = new MemoryFileSystem(time);
        var rig = new DiskRig(torrent, files, "/disk", time: time);
        rig.Fetch(torrent.Layout.Piece(1));
        rig.SendBlock(torrent.Layout.Piece(3), 0);
        rig.Disk.SavePeers([new(System.Net.IPAddress.Loopback, 1)]);
        rig.Complete(rig.Disk.SetFilePriorities([FilePriority.High, FilePriority.Low]));
        rig.Close();
        var path = files.Paths.Single(p => p.EndsWith(".resume", StringComparison.Ordinal));
        var good = files.ReadAll(path);
        Fuzz.Run(
            400,
            random =>
            {
                var bytes = random.Next(3) == 0 ? good[..random.Next(good.Length)] : Fuzz.Mutate(random, good);
                files.WriteAll(path, bytes);
                var next = new DiskRig(torrent, files, "/disk", time: time);
                Assert.True(next.Resume.Have.Count <= 1);
                Assert.True(next.Resume.Have.IsEmpty || next.Resume.Have[1]);
                next.Fetch(torrent.Layout.Piece(6));
            }
        );
    }

    [Fact]
    public void A_record_of_any_bytes_is_taken_or_refused()
    {
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 32 * 1024, 200_000, 50_000);
        Fuzz.Run(
            20_000,
            random =>
            {
                var image = new ResumeImage(torrent.Layout, torrent.Metainfo.Files.Count);
                var body = new byte[1 + random.Next(60)];
                random.NextBytes(body);
                body[0] = (byte)random.Next(13);
                for (var i = 1; i < body.Length; i++)
                {
                    // Small numbers go deeper than random ones.
                    body[i] =
                        random.Next(3) == 0 ? (byte)random.Next(8)
                        : random.Next(4) == 0 ? body[i]
                        : (byte)0;
                }

                image.Apply(body, 100);
                Assert.Equal(torrent.Layout.PieceCount, image.Durable.Length);
                Assert.All(image.Renamed.Values, name => Assert.True(ResumeImage.IsSafePath(name)));
            }
        );
    }

    [Fact]
    public void A_checkpoint_covers_what_was_recorded_before_its_mark_and_nothing_after()
    {
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 32 * 1024, 200_000, 50_000);
        var time = new ManualTime();
        var journal = ResumeJournal.Open(
            new MemoryFileSystem(time),
            "/state",
            torrent.Metainfo,
            "/disk",
            time,
            Guid.Empty
        );
        Commit(1);
        var mark = Mark();
        Commit(2);
        Commit(3);
        journal.Checkpoint(mark, []);
        Assert.Equal([true, false, false], ((int[])[1, 2, 3]).Select(piece => journal.Image.Durable[piece]));
        journal.Checkpoint(Mark(), []);
        Assert.Equal([true, true, true], ((int[])[1, 2, 3]).Select(piece => journal.Image.Durable[piece]));

        JournalMark Mark() => journal.Mark() ?? throw new InvalidOperationException("nothing to mark");

        void Commit(int piece)
        {
            var record = new RoundRecord();
            record.Committed.Add(piece);
            journal.Begin(0, [0]);
            journal.End(0, [], record);
        }
    }

    [Theory]
    [InlineData("a/b", true)]
    [InlineData("../a", false)]
    [InlineData("a/../b", false)]
    [InlineData("/a", false)]
    [InlineData("", false)]
    [InlineData("a//b", false)]
    [InlineData("a\\b", false)]
    [InlineData("c:/a", false)]
    public void Names_from_the_journal_stay_below_the_folder(string path, bool isSafe) =>
        Assert.Equal(isSafe, ResumeImage.IsSafePath(path));
}
