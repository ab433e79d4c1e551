using System.Text;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class TorrentCreatorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("shoal-create-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<TorrentFormat> Formats => [TorrentFormat.V1, TorrentFormat.V2, TorrentFormat.Hybrid];

    /// <summary>Writes what a builder holds to disk, and gives back the folder or file to make a torrent of.</summary>
    private string Store(BuiltTorrent built)
    {
        foreach (var file in built.Metainfo.Files.Where(f => !f.IsPad))
        {
            var path = Path.Combine(_folder, file.Path);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            if (file.SymlinkTarget is null)
            {
                File.WriteAllBytes(path, built.Content(file));
            }
            else
            {
                var target = Path.Combine(_folder, file.SymlinkTarget);
                File.CreateSymbolicLink(path, Path.GetRelativePath(Path.GetDirectoryName(path)!, target));
            }
        }

        return Path.Combine(_folder, built.Metainfo.Name);
    }

    private static CreateOptions Options(TorrentFormat format, int pieceLength) =>
        new()
        {
            Format = format,
            PieceLength = pieceLength,
            CreatedBy = null,
        };

    private static TorrentBuilder Content(TorrentFormat format, int pieceLength) =>
        new TorrentBuilder(format, pieceLength, "folder")
            .File("a/large", 1_500_000)
            .File("a/empty", 0)
            .File("a.b", pieceLength)
            .File("été/日本", 3)
            .File("z", pieceLength * 3 + 1)
            .File("｡", 1)
            .File("🐟", 2)
            .Symlink("link", "a/large");

    [Fact]
    public void Files_stand_in_the_order_of_the_bytes_of_their_names()
    {
        string[] names = ["", "a", "a.b", "z", "\u007f", "é", "\ud7ff", "\ue000", "｡", "\uffff", "🐟", "🐟a", "🐠"];
        foreach (var x in names)
        {
            foreach (var y in names)
            {
                var bytes = Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y));
                Assert.Equal(Math.Sign(bytes), Math.Sign(MetainfoWriter.PathOrder.Compare(["f", x], ["f", y])));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task A_folder_gives_the_torrent_that_the_plain_builder_makes(TorrentFormat format)
    {
        foreach (var pieceLength in new[] { 16 * 1024, 64 * 1024, 1024 * 1024 })
        {
            var built = Content(format, pieceLength).Build();
            var path = Store(built);
            foreach (var workers in new[] { 1, 2, 5 })
            {
                var created = await TorrentCreator.CreateAsync(
                    path,
                    Options(format, pieceLength) with
                    {
                        Workers = workers,
                    }
                );
                Assert.Equal(built.TorrentBytes, created.Bytes.ToArray());
            }

            Directory.Delete(path, recursive: true);
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task A_file_gives_a_torrent_without_a_folder(TorrentFormat format)
    {
        var built = new TorrentBuilder(format, 32 * 1024, "movie.mkv").Single(100_000).Build();
        var created = await TorrentCreator.CreateAsync(Store(built), Options(format, 32 * 1024));
        Assert.Equal(built.TorrentBytes, created.Bytes.ToArray());

        var renamed = await TorrentCreator.CreateAsync(
            Path.Combine(_folder, "movie.mkv"),
            Options(format, 32 * 1024) with
            {
                Name = "other",
            }
        );
        Assert.Equal("other", Assert.Single(renamed.Metainfo.Files).Path);
    }

    [Fact]
    public async Task Everything_the_options_say_is_in_the_torrent()
    {
        var path = Store(new TorrentBuilder(TorrentFormat.V1, name: "x").Single(10).Build());
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        var created = await TorrentCreator.CreateAsync(
            path,
            new CreateOptions
            {
                Trackers =
                [
                    ["http://a/"],
                    ["udp://b:1", "udp://c:1"],
                ],
                WebSeeds = ["http://w/"],
                IsPrivate = true,
                Comment = "hello",
                Source = "here",
                CreationDate = 5,
            }
        );
        var torrent = created.Metainfo;
        Assert.Equal(TorrentFormat.Hybrid, torrent.Format);
        Assert.Equal(
            [
                ["http://a/"],
                ["udp://b:1", "udp://c:1"],
            ],
            torrent.Trackers
        );
        Assert.Equal(["http://w/"], torrent.WebSeeds);
        Assert.True(torrent.IsPrivate);
        Assert.Equal(
            ("hello", "here", 5, "Shoal"),
            (torrent.Comment, torrent.Source, torrent.CreationDate, torrent.CreatedBy)
        );
        Assert.Equal(!OperatingSystem.IsWindows(), torrent.Files[0].IsExecutable);
        Assert.Equal(16 * 1024, torrent.Layout.PieceLength);
    }

    [Fact]
    public async Task The_file_appears_whole_and_a_torrent_within_the_folder_is_not_shared()
    {
        var path = Store(Content(TorrentFormat.V1, 16 * 1024).Build());
        var target = Path.Combine(path, "folder.torrent");
        var first = await TorrentCreator.CreateFileAsync(path, target, Options(TorrentFormat.V1, 16 * 1024));
        Assert.Equal(first.Bytes.ToArray(), await File.ReadAllBytesAsync(target));
        var second = await TorrentCreator.CreateFileAsync(path, target, Options(TorrentFormat.V1, 16 * 1024));
        Assert.Equal(first.Bytes.ToArray(), second.Bytes.ToArray());
        Assert.Empty(Directory.GetFiles(path, "*.tmp"));
    }

    [Fact]
    public async Task A_cancelled_run_leaves_nothing_behind()
    {
        var path = Store(Content(TorrentFormat.Hybrid, 16 * 1024).Build());
        using var source = new CancellationTokenSource();
        var target = Path.Combine(_folder, "x.torrent");
        var progress = new Callback(_ => source.Cancel());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            TorrentCreator.CreateFileAsync(
                path,
                target,
                Options(TorrentFormat.Hybrid, 16 * 1024),
                progress,
                source.Token
            )
        );
        Assert.Equal(["folder"], Directory.GetFileSystemEntries(_folder).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Progress_ends_at_the_size()
    {
        var path = Store(Content(TorrentFormat.V2, 16 * 1024).Build());
        var last = default(HashingProgress);
        await TorrentCreator.CreateAsync(path, Options(TorrentFormat.V2, 16 * 1024), new Callback(p => last = p));
        Assert.Equal(last.BytesTotal, last.BytesDone);
        Assert.Equal(1_500_000 + 16 * 1024 + 3 + 16 * 1024 * 3 + 1 + 1 + 2, last.BytesTotal);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task A_file_that_changes_meanwhile_is_named(TorrentFormat format)
    {
        var path = Store(Content(format, 16 * 1024).Build());
        var victim = Path.Combine(path, "z");
        foreach (
            var change in new Action[]
            {
                () => File.AppendAllText(victim, "more"),
                () => File.WriteAllBytes(victim, new byte[5]),
                () => File.SetLastWriteTimeUtc(victim, DateTime.UnixEpoch),
                () => File.Delete(victim),
            }
        )
        {
            var changed = 0;
            var progress = new Callback(_ =>
            {
                if (Interlocked.Exchange(ref changed, 1) == 0)
                {
                    change();
                }
            });
            var options = Options(format, 16 * 1024) with { Workers = 1 };
            var error = await Assert.ThrowsAsync<TorrentCreationException>(() =>
                TorrentCreator.CreateAsync(path, options, progress)
            );
            Assert.Contains($"'{victim}' changed", error.Message, StringComparison.Ordinal);
            await File.WriteAllBytesAsync(victim, new byte[500_000]);
        }
    }

    [Fact]
    public async Task What_nobody_could_read_is_refused_before_it_is_hashed()
    {
        var path = Store(Content(TorrentFormat.Hybrid, 16 * 1024).Build());
        var progress = new Callback(_ => Assert.Fail("it was hashed"));
        var options = new CreateOptions { Comment = new string('x', 10_000_000) };
        var error = await Assert.ThrowsAsync<TorrentCreationException>(() =>
            TorrentCreator.CreateAsync(path, options, progress)
        );
        Assert.Contains("no more than 10 MB: choose v1 or v2", error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<TorrentCreationException>(() =>
            TorrentCreator.CreateAsync(path, options with { PieceLength = 16 * 1024 }, progress)
        );
        Assert.Contains("choose a larger piece length", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Pieces_are_as_long_as_it_takes_for_a_torrent_that_can_be_read(TorrentFormat format)
    {
        var path = Path.Combine(_folder, "sparse");
        using (var file = File.Create(path))
        {
            file.SetLength(20_000_000);
        }

        var usual = await TorrentCreator.CreateAsync(path, new CreateOptions { Format = format });
        // Room for some hundred bytes besides names, and as many pieces as need a quarter of what they needed.
        var room = MetainfoLimits.Default.MaxBytes - usual.Bytes.Length;
        var hashes = usual.Metainfo.Layout.PieceCount * (format == TorrentFormat.V1 ? 20 : 32);
        var created = await TorrentCreator.CreateAsync(
            path,
            new CreateOptions { Format = format, Comment = new string('x', room + hashes / 2) }
        );
        Assert.InRange(created.Bytes.Length, MetainfoLimits.Default.MaxBytes - hashes, MetainfoLimits.Default.MaxBytes);
        Assert.True(created.Metainfo.Layout.PieceLength > usual.Metainfo.Layout.PieceLength);
        Assert.True(
            MetainfoReader.TryRead(created.Bytes, MetainfoLimits.Default, out _, out var error),
            error?.Message
        );
    }

    [Fact]
    public async Task What_cannot_be_shared_is_named()
    {
        var missing = Path.Combine(_folder, "missing");
        await Refused(missing, $"'{missing}' does not exist");

        var empty = Directory.CreateDirectory(Path.Combine(_folder, "empty")).FullName;
        await Refused(empty, "holds no files");

        var links = Directory.CreateDirectory(Path.Combine(_folder, "links")).FullName;
        var link = File.CreateSymbolicLink(Path.Combine(links, "link"), "../empty").FullName;
        await Refused(links, $"'{link}' leads out of the folder");
        File.Delete(link);
        File.CreateSymbolicLink(link, "nothing");
        await Refused(links, $"'{link}' leads nowhere");

        var names = Directory.CreateDirectory(Path.Combine(_folder, "names")).FullName;
        File.WriteAllText(Path.Combine(names, "a\u200bb"), "x");
        await Refused(names, "receivers would have to change");

        await Assert.ThrowsAsync<TorrentCreationException>(() =>
            TorrentCreator.CreateAsync(names, Options(TorrentFormat.V2, 48 * 1024))
        );

        static async Task Refused(string path, string because)
        {
            var error = await Assert.ThrowsAsync<TorrentCreationException>(() =>
                TorrentCreator.CreateAsync(path, new CreateOptions())
            );
            Assert.Contains(because, error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Verifying_finds_each_fault_by_file(TorrentFormat format)
    {
        var built = Content(format, 16 * 1024).Build();
        var path = Store(built);
        var whole = await ContentVerifier.VerifyAsync(built.Metainfo, _folder);
        Assert.True(whole.IsComplete);
        Assert.Equal(built.Metainfo.Size, whole.GoodBytes);

        using (var file = File.OpenWrite(Path.Combine(path, "a/large")))
        {
            file.Position = 700_000;
            file.WriteByte(1);
            file.WriteByte(2);
        }

        File.Delete(Path.Combine(path, "a/empty"));
        File.Delete(Path.Combine(path, "été/日本"));
        File.AppendAllText(Path.Combine(path, "a.b"), "more");
        using (var file = File.OpenWrite(Path.Combine(path, "z")))
        {
            file.SetLength(3 * 16 * 1024);
        }

        var result = await ContentVerifier.VerifyAsync(built.Metainfo, _folder, workers: 3);
        Assert.False(result.IsComplete);
        VerifiedFile Of(string name) => result.Files.Single(f => f.Path == $"folder/{name}");
        Assert.True(Of("a/empty") is { IsMissing: true, GoodBytes: 0 });
        Assert.True(Of("été/日本") is { IsMissing: true, GoodBytes: 0 });
        Assert.True(Of("a.b") is { IsTooLong: true, IsMissing: false });
        Assert.True(Of("link").IsGood);
        Assert.InRange(Of("a/large").GoodBytes, 1_500_000 - 2 * 16 * 1024, 1_500_000 - 16 * 1024);
        Assert.InRange(Of("z").GoodBytes, 16 * 1024, 3 * 16 * 1024);
        if (format != TorrentFormat.V1)
        {
            Assert.Equal(1_500_000 - 16 * 1024, Of("a/large").GoodBytes);
            Assert.Equal(3 * 16 * 1024, Of("z").GoodBytes);
            Assert.Equal(16 * 1024, Of("a.b").GoodBytes);
        }
    }

    [Theory]
    [InlineData(0, 16 * 1024)]
    [InlineData(1L << 20, 16 * 1024)]
    [InlineData(64L << 20, 64 * 1024)]
    [InlineData(1L << 30, 256 * 1024)]
    [InlineData(1_000_000_000_000, 8 * 1024 * 1024)]
    [InlineData(long.MaxValue, 128 * 1024 * 1024)]
    public void Piece_lengths_grow_with_the_root_of_the_size(long size, int expected) =>
        Assert.Equal(expected, PieceLengths.For(size));

    private sealed class Callback(Action<HashingProgress> action) : IProgress<HashingProgress>
    {
        public void Report(HashingProgress value) => action(value);
    }
}
