using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;
using Xunit;

namespace Shoal.UnitTests;

/// <summary>
/// After a kill or a power cut at any instant no piece is claimed that is not on disk, and nothing that was durable
/// is hashed again unless somebody else changed it.
/// </summary>
public class ResumeTests
{
    private const int KiB = 1024;

    [Fact]
    public void A_clean_stop_claims_everything_without_hashing()
    {
        using var place = TestPlace.Both();
        foreach (var (files, root, time) in place.All)
        {
            var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 200_000, 5);
            var rig = new DiskRig(torrent, files, root, time: time);
            rig.Fetch(torrent.Layout.Piece(0));
            rig.Fetch(torrent.Layout.Piece(3));
            rig.SendBlock(torrent.Layout.Piece(2), 1);
            rig.Disk.SavePeers([new(System.Net.IPAddress.Loopback, 6881), new(System.Net.IPAddress.IPv6Loopback, 1)]);
            rig.Disk.SaveTotals(7, 8);
            rig.Close();

            var next = new DiskRig(torrent, files, root, time: time);
            Assert.Equal([0, 3], Members(next.Resume.Have));
            Assert.Empty(Members(next.Resume.Check));
            Assert.Equal([new BlockRef(torrent.Layout.Piece(2), 1)], next.Resume.Blocks);
            Assert.Equal(2, next.Resume.Peers.Count);
            Assert.Equal((7, 8), next.Disk.ResumedTotals);
            // The resumed block is not sent again and the piece is whole with the others.
            foreach (var block in new[] { 0, 2, 3 })
            {
                next.SendBlock(torrent.Layout.Piece(2), block);
            }

            next.Pump();
            Assert.True(next.IsGood(next.TakeResult(torrent.Layout.Piece(2))!));
            next.Close();
            Assert.Equal(0, next.Downloads.Leased);
        }
    }

    [Fact]
    public void What_is_in_files_without_a_journal_is_checked()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000, 200_000);
        place.Memory!.WriteAll("/disk/data/" + torrent.Metainfo.Files[0].Path, torrent.Content.AsSpan(0, 100_000));
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.Equal([0, 1], Members(rig.Resume.Check));
        Assert.Empty(Members(rig.Resume.Have));
        rig.Close();
    }

    [Fact]
    public void What_a_run_did_not_get_to_check_before_it_was_killed_the_next_run_checks()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 300_000);
        place.Memory!.WriteAll("/disk/data/" + torrent.Metainfo.Files[0].Path, torrent.Content.AsSpan(0, 300_000));
        var killed = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.Equal([0, 1, 2, 3, 4], Members(killed.Resume.Check));
        // One is proven, one is found bad and fetched, and then the process is gone.
        killed.Submit(new DiskRequest(DiskRequestKind.CommitPiece, torrent.Layout.Piece(1)));
        killed.Submit(new DiskRequest(DiskRequestKind.DiscardPiece, torrent.Layout.Piece(3)));
        killed.Fetch(torrent.Layout.Piece(3));

        var next = new DiskRig(torrent, place.Files, place.Root, time: place.Time);

        Assert.Equal([0, 1, 2, 3, 4], Members(next.Resume.Check));
        next.Submit(new DiskRequest(DiskRequestKind.DiscardPiece, torrent.Layout.Piece(0)));
        next.Submit(new DiskRequest(DiskRequestKind.CommitPiece, torrent.Layout.Piece(2)));
        next.Close();
        var last = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.Equal([2], Members(last.Resume.Have));
        Assert.Equal([1, 3, 4], Members(last.Resume.Check));
        last.Close();
    }

    [Fact]
    public void Files_that_others_changed_are_checked_and_no_others()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V2, 64 * KiB, 100_000, 200_000);
        var rig = FetchAll(torrent, place);
        rig.Close();
        place.Time.Advance(TimeSpan.FromMinutes(1));
        place.Memory!.WriteAll(rig.PathOf(1), new byte[200_000]);

        var next = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.Equal([0, 1], Members(next.Resume.Have));
        Assert.Equal([2, 3, 4, 5], Members(next.Resume.Check));
        next.Close();
    }

    [Fact]
    public void A_change_right_after_a_kill_is_seen()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 200_000);
        var rig = FetchAll(torrent, place);
        rig.Disk.Checkpoint();
        place.Time.Advance(TimeSpan.FromMilliseconds(1));
        var content = place.Memory!.ReadAll(rig.PathOf(0));
        content[5] ^= 1;
        place.Memory.WriteAll(rig.PathOf(0), content);

        var next = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.Empty(Members(next.Resume.Have));
        Assert.Equal([0, 1, 2, 3], Members(next.Resume.Check));
        next.Close();
    }

    [Fact]
    public void A_journal_for_another_folder_says_nothing()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 100_000);
        FetchAll(torrent, place).Close();
        var next = new DiskRig(
            torrent,
            place.Files,
            place.Root,
            time: place.Time,
            options: o => o with { SaveDirectory = "/disk/elsewhere" }
        );
        Assert.Empty(Members(next.Resume.Have));
        Assert.Empty(Members(next.Resume.Check));
        next.Close();
    }

    [Fact]
    public void Shared_data_is_claimed_at_once_and_after_a_restart()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.Hybrid, 64 * KiB, 100_000, 7);
        foreach (var (file, i) in torrent.Metainfo.Files.Select((f, i) => (f, i)).Where(f => !f.f.IsPad))
        {
            place.Memory!.WriteAll("/disk/data/" + file.Path, torrent.Content.AsSpan((int)file.Offset, (int)file.Size));
        }

        var rig = new DiskRig(
            torrent,
            place.Files,
            place.Root,
            time: place.Time,
            options: o => o with { AssumeComplete = true }
        );
        Assert.True(rig.Resume.Have.IsFull);
        var next = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        Assert.True(next.Resume.Have.IsFull);
        next.Close();
    }

    [Fact]
    public void Who_shares_a_file_and_writes_to_it_hears_that_receivers_refuse_it()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V2, 64 * KiB, 100_000, 7);
        foreach (var file in torrent.Metainfo.Files)
        {
            place.Memory!.WriteAll("/disk/data/" + file.Path, torrent.Content.AsSpan((int)file.Offset, (int)file.Size));
        }

        var told = new List<string>();
        var rig = new DiskRig(
            torrent,
            place.Files,
            place.Root,
            time: place.Time,
            options: o => o with { AssumeComplete = true, ContentChanged = told.Add }
        );
        void Read(int piece)
        {
            rig.Pass(DiskLimits.ChangeInterval);
            rig.Submit(new DiskRequest(DiskRequestKind.ReadBlock, torrent.Layout.Piece(piece), 0, 5));
            rig.Pump();
            rig.Events.ForEach(e => (e.Payload as BlockBuffer)?.Release());
            rig.Events.Clear();
        }

        Read(0);
        Assert.Empty(told);
        place.Time.Advance(TimeSpan.FromSeconds(1));
        place.Memory!.WriteAll(rig.PathOf(0), new byte[100_000]);
        Read(2);
        Assert.Empty(told);
        Read(0);
        Read(1);
        Assert.Equal([rig.PathOf(0)], told);
        place.Time.Advance(TimeSpan.FromSeconds(1));
        place.Memory.WriteAll(rig.PathOf(0), new byte[100_000]);
        Read(0);
        Assert.Equal(2, told.Count);
        rig.Close();
    }

    /// <summary>What we write ourselves is no change by somebody else, before, while and after all is there.</summary>
    [Fact]
    public void Who_fetches_a_file_hears_nothing_of_the_kind()
    {
        using var place = TestPlace.InMemory();
        var torrent = DiskTorrent.Make(TorrentFormat.V1, 64 * KiB, 300_000);
        var told = new List<string>();
        var rig = new DiskRig(
            torrent,
            place.Files,
            place.Root,
            time: place.Time,
            options: o => o with { ContentChanged = told.Add }
        );
        for (var piece = 0; piece < torrent.Layout.PieceCount; piece++)
        {
            rig.Fetch(torrent.Layout.Piece(piece));
            rig.Complete(rig.Disk.FlushAsync());
            rig.Pass(DiskLimits.ChangeInterval);
            rig.Submit(new DiskRequest(DiskRequestKind.ReadBlock, torrent.Layout.Piece(piece), 0, 5));
            rig.Pass(DiskLimits.ChangeInterval);
            rig.Events.ForEach(e => (e.Payload as BlockBuffer)?.Release());
            rig.Events.Clear();
        }

        Assert.Empty(told);
        rig.Close();
    }

    [Theory]
    [InlineData(TorrentFormat.V1, false)]
    [InlineData(TorrentFormat.V1, true)]
    [InlineData(TorrentFormat.Hybrid, true)]
    public void Whatever_the_instant_no_claim_is_false_and_nothing_durable_is_forgotten(
        TorrentFormat format,
        bool isPowerCut
    )
    {
        Fuzz.Run(30, random => LiveAndDie(format, isPowerCut, random));
    }

    /// <summary>Several lives of one download, each ended at a random instant.</summary>
    private static void LiveAndDie(TorrentFormat format, bool isPowerCut, Random random)
    {
        var torrent = DiskTorrent.Make(format, 32 * KiB, 150_000, 3, 100_000, 70_000);
        var time = new ManualTime();
        var files = new MemoryFileSystem(time);
        var boot = Guid.Empty;
        var durable = new HashSet<int>();
        for (var life = 1; life < 6; life++)
        {
            if (life == 1 || isPowerCut)
            {
                boot = new Guid(life, 0, 0, new byte[8]);
                time.Advance(TimeSpan.FromMinutes(2));
            }

            var rig = new DiskRig(
                torrent,
                files,
                "/disk",
                workers: 1 + random.Next(3),
                time: time,
                boot: boot,
                uptime: TimeSpan.FromMinutes(1)
            );
            CheckClaims(rig, files, durable);
            files.CutAt = files.Changes + 1 + random.Next(120);
            try
            {
                Live(rig, durable, random);
            }
            catch (PowerCutException) { }

            files.CutAt = null;
            if (isPowerCut)
            {
                files = files.AfterPowerCut(random);
            }
        }
    }

    private static void Live(DiskRig rig, HashSet<int> durable, Random random)
    {
        var missing = Enumerable
            .Range(0, rig.Torrent.Layout.PieceCount)
            .Where(p => !rig.Resume.Have[p] && !rig.Resume.Check[p])
            .ToArray();
        var resumed = rig.Resume.Blocks.ToHashSet();
        var committed = Members(rig.Resume.Have).ToHashSet();
        foreach (var index in Members(rig.Resume.Check))
        {
            var piece = rig.Torrent.Layout.Piece(index);
            rig.Submit(new DiskRequest(DiskRequestKind.HashPiece, piece));
            rig.Pump();
            Judge(rig, piece, committed);
        }

        random.Shuffle(missing);
        foreach (var index in missing)
        {
            var piece = rig.Torrent.Layout.Piece(index);
            for (var block = 0; block < rig.Torrent.Layout.DataBlockCount(piece); block++)
            {
                if (!resumed.Contains(new BlockRef(piece, block)) && random.Next(8) != 0)
                {
                    rig.SendBlock(piece, block);
                }

                rig.Pass(TimeSpan.FromMilliseconds(random.Next(15)));
            }

            Judge(rig, piece, committed);
            if (random.Next(3) == 0)
            {
                rig.Disk.Checkpoint();
                durable.UnionWith(committed);
            }
        }
    }

    private static void Judge(DiskRig rig, PieceIndex piece, HashSet<int> committed)
    {
        if (rig.TakeResult(piece) is not { } result)
        {
            return;
        }

        var isGood = rig.IsGood(result);
        rig.Submit(new DiskRequest(isGood ? DiskRequestKind.CommitPiece : DiskRequestKind.DiscardPiece, piece));
        rig.Pump();
        if (isGood)
        {
            committed.Add(piece.Value);
        }
    }

    private static void CheckClaims(DiskRig rig, MemoryFileSystem files, HashSet<int> durable)
    {
        foreach (var index in Members(rig.Resume.Have))
        {
            var piece = rig.Torrent.Layout.Piece(index);
            rig.Submit(new DiskRequest(DiskRequestKind.HashPiece, piece));
            rig.Pump();
            var result = rig.TakeResult(piece);
            Assert.True(result is not null && rig.IsGood(result), $"piece {index} is claimed and not there");
        }

        foreach (var index in durable)
        {
            Assert.True(rig.Resume.Have[index], $"piece {index} was durable and is to be hashed again");
        }

        Assert.NotEmpty(files.Paths);
    }

    private static DiskRig FetchAll(DiskTorrent torrent, TestPlace place)
    {
        var rig = new DiskRig(torrent, place.Files, place.Root, time: place.Time);
        rig.FetchAll();

        return rig;
    }

    private static List<int> Members(Bitfield set) => [.. Enumerable.Range(0, set.Length).Where(i => set[i])];
}
