using System.Text;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>Which item of a publication counts, and what is remembered of it.</summary>
public sealed class PublicationWatchTests : IDisposable
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly byte[] Salt = "s"u8.ToArray();
    private static readonly PublicationName Name = new(Key, Salt);

    private readonly PublicationTimes _times = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("shoal-publication-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Only_newer_items_of_the_key_and_salt_count()
    {
        var watch = new PublicationWatch(Name, _times, () => 0.5);
        Assert.Equal(PublicationNews.OtherTorrent, watch.Take(Item(3, 'a')));
        // Older, the same again, and another value under the same number: a replay, or a careless owner.
        Assert.Equal(PublicationNews.None, watch.Take(Item(2, 'b')));
        Assert.Equal(PublicationNews.None, watch.Take(Item(3, 'a')));
        Assert.Equal(PublicationNews.None, watch.Take(Item(3, 'b')));
        // Somebody else's.
        Assert.Equal(PublicationNews.None, watch.Take(Item(9, 'b') with { Salt = [] }));
        var stranger = new KrpcSignature(new byte[32], 9, new byte[64]);
        Assert.Equal(PublicationNews.None, watch.Take(Item(9, 'b') with { Signature = stranger }));
        Assert.Equal(PublicationNews.None, watch.Take(DhtItem.Immutable("i1e"u8.ToArray())));
        Assert.Equal((3L, Torrent('a')), (watch.Sequence, watch.Torrent));

        Assert.Equal(PublicationNews.Renewed, watch.Take(Item(4, 'a')));
        Assert.Equal((3L, 4L), (watch.Sequence, watch.Newest!.Signature!.Sequence));
        Assert.Equal(PublicationNews.NoTorrent, watch.Take(Item(5, "d2:ihi1ee")));
        Assert.Equal(Torrent('a'), watch.Torrent);
        Assert.Equal(PublicationNews.None, watch.Take(Item(5, 'b')));
        Assert.Equal(PublicationNews.OtherTorrent, watch.Take(Item(6, 'b')));
        Assert.Equal((6L, Torrent('b')), (watch.Sequence, watch.Torrent));
    }

    [Fact]
    public void Looks_are_quick_at_first_and_regular_once_something_is_known()
    {
        var watch = new PublicationWatch(Name, _times, () => 0.5);
        var waits = Enumerable.Range(0, 8).Select(_ => watch.Looked(found: false).TotalSeconds).ToList();
        Assert.Equal([1, 2, 4, 8, 16, 30, 30, 30], waits);
        Assert.Equal(8, watch.Misses);
        Assert.Equal(TimeSpan.FromMinutes(5), watch.Looked(found: true));
        Assert.Equal(TimeSpan.FromSeconds(1), watch.Looked(found: false));
    }

    [Fact]
    public void A_hybrid_is_the_same_torrent_under_either_name()
    {
        var both = new InfoHashes(new Sha1Digest(new byte[20]), new Sha256Digest(new byte[32]));
        Assert.True(PublicationWatch.IsSame(both, both with { V1 = null }));
        Assert.True(PublicationWatch.IsSame(both with { V2 = null }, both));
        Assert.False(PublicationWatch.IsSame(both with { V2 = null }, both with { V1 = null }));
    }

    [Fact]
    public void The_next_number_comes_after_all_that_are_known_and_the_same_value_keeps_its_own()
    {
        DhtItem Sign(long sequence) => Item(sequence, 'n');
        var value = Item(0, 'n').Value;
        Assert.Equal(1, Number(null, null));
        Assert.Equal(6, Number(Item(5, 'a'), null));
        Assert.Equal(8, Number(Item(5, 'a'), Item(7, 'b')));
        Assert.Equal(8, Number(null, Item(7, 'b')));
        Assert.Equal(5, Number(Item(5, 'n'), Item(4, 'b')));
        Assert.Equal(7, Number(Item(5, 'a'), Item(7, 'n')));
        // Somebody else with the key went on after us.
        Assert.Equal(9, Number(Item(8, 'a'), Item(7, 'n')));

        long Number(DhtItem? newest, DhtItem? remembered) =>
            PublicationPublisher.Next(newest, remembered, value, Sign).Signature!.Sequence;
    }

    [Fact]
    public void The_newest_item_is_remembered_if_its_signature_still_fits()
    {
        new PublicationFile(_folder, Name).Save(Item(7, 'a'));
        var again = new PublicationFile(_folder, Name).Item((_, _, _) => true)!;
        Assert.Equal((7L, 1), (again.Signature!.Sequence, again.Salt.Length));
        Assert.Equal(Item(7, 'a').Value, again.Value);
        Assert.Null(new PublicationFile(_folder, Name).Item((_, _, _) => false));
        Assert.Null(new PublicationFile(_folder, new PublicationName(Key, [])).Item((_, _, _) => true));
    }

    [Fact]
    public void Each_version_has_a_folder_of_its_own_and_keeps_it()
    {
        var target = Path.Combine(_folder, "out");
        var file = new PublicationFile(_folder, Name);
        Assert.Equal(target, Folder(file, 3, 'a'));
        Assert.Equal(Path.Combine(target, "update-4"), Folder(file, 4, 'b'));
        // Back to the first, under another number; and somewhere else.
        Assert.Equal(target, Folder(file, 5, 'a'));
        Assert.Equal(_folder, file.FolderFor(new PublishedVersion(6, Torrent('c')), _folder));

        var later = new PublicationFile(_folder, Name);
        Assert.Equal(Path.Combine(target, "update-4"), Folder(later, 9, 'b'));
        Assert.Equal(Path.Combine(target, "update-9"), Folder(later, 9, 'd'));

        string Folder(PublicationFile file, long sequence, char torrent) =>
            file.FolderFor(new PublishedVersion(sequence, Torrent(torrent)), target);
    }

    [Fact]
    public void No_version_overwrites_another_however_the_folder_is_written()
    {
        var target = Path.Combine(_folder, "out");
        var file = new PublicationFile(_folder, Name);
        Assert.Equal(target, file.FolderFor(new PublishedVersion(3, Torrent('a')), target + "/"));
        var later = new PublicationFile(_folder, Name);
        Assert.Equal(Path.Combine(target, "update-4"), later.FolderFor(new PublishedVersion(4, Torrent('b')), target));
        Assert.Equal(target, later.FolderFor(new PublishedVersion(5, Torrent('a')), target + "/./"));
    }

    [Fact]
    public void A_damaged_file_does_no_harm()
    {
        var file = new PublicationFile(_folder, Name);
        file.Save(Item(7, 'a'));
        file.FolderFor(new PublishedVersion(7, Torrent('a')), _folder);
        var path = Directory.GetFiles(Path.Combine(_folder, "publications")).Single();
        var good = File.ReadAllBytes(path);
        Shoal.Testing.Fuzz.Run(
            500,
            random =>
            {
                File.WriteAllBytes(path, Shoal.Testing.Fuzz.Mutate(random, good));
                var damaged = new PublicationFile(_folder, Name);
                _ = damaged.Item((_, _, _) => true);
                var folder = damaged.FolderFor(new PublishedVersion(8, Torrent('b')), _folder);
                // A folder that a file names is used for nothing but where the user wants the publication.
                Assert.StartsWith(_folder, folder, StringComparison.Ordinal);
            }
        );
    }

    [Fact]
    public void A_key_is_made_for_its_owner_only_and_one_that_others_can_read_is_refused()
    {
        var path = Path.Combine(_folder, "keys", "mine.key");
        var made = SigningKey.LoadOrCreate(path);
        var again = SigningKey.LoadOrCreate(path);
        Assert.True(made.IsNew);
        Assert.False(again.IsNew);
        Assert.Equal(made.PublicKey.ToArray(), again.PublicKey.ToArray());
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead);
            var refused = Assert.Throws<PublicationException>(() => SigningKey.LoadOrCreate(path));
            Assert.Equal("key-readable-by-others", refused.Code);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        foreach (
            var text in (string[])["", "00", new string('0', 63) + "x", new string('0', 66), new string('0', 5000)]
        )
        {
            File.WriteAllText(path, text);
            Assert.Equal("not-a-key", Assert.Throws<PublicationException>(() => SigningKey.LoadOrCreate(path)).Code);
        }
    }

    [Fact]
    public void A_key_can_lie_under_a_passphrase_from_the_first_on_or_later()
    {
        static KeyPassphrase Words(string? ask, string? protect = null) =>
            new()
            {
                Ask = ask is null ? null : () => ask,
                Protect = protect is null ? null : () => protect,
                IsDrawn = true,
            };
        var path = Path.Combine(_folder, "keys", "sealed.key");
        var made = SigningKey.LoadOrCreate(path, Words(null, "horse"));
        Assert.True(made.IsNew);
        Assert.Equal(made.PublicKey.ToArray(), SigningKey.LoadOrCreate(path, Words("horse")).PublicKey.ToArray());
        string Code(KeyPassphrase? words) =>
            Assert.Throws<PublicationException>(() => SigningKey.LoadOrCreate(path, words)).Code;
        Assert.Equal("passphrase-needed", Code(null));
        Assert.Equal("wrong-passphrase", Code(Words("guess")));
        Assert.Equal("already-protected", Code(Words("horse", "donkey")));
        var bytes = File.ReadAllBytes(path);
        bytes[^10] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.Equal("wrong-passphrase", Code(Words("horse")));
        File.WriteAllBytes(path, bytes[..40]);
        Assert.Equal("not-a-key", Code(Words("horse")));

        // One that was there goes under it, and nothing of it is left in clear.
        path = Path.Combine(_folder, "keys", "plain.key");
        var plain = SigningKey.LoadOrCreate(path);
        var digits = File.ReadAllText(path).Trim();
        SigningKey.LoadOrCreate(path, Words(null, "horse"));
        Assert.All(
            Directory.GetFiles(Path.GetDirectoryName(path)!),
            file => Assert.DoesNotContain(digits, File.ReadAllText(file), StringComparison.Ordinal)
        );
        Assert.Equal(plain.PublicKey.ToArray(), SigningKey.LoadOrCreate(path, Words("horse")).PublicKey.ToArray());
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }
    }

    private static DhtItem Item(long sequence, char torrent) =>
        Item(sequence, Encoding.ASCII.GetString(PublishedTorrent.Write(Torrent(torrent))));

    private static DhtItem Item(long sequence, string value) =>
        new(Encoding.ASCII.GetBytes(value), new KrpcSignature(Key, sequence, new byte[64]), Salt);

    private static InfoHashes Torrent(char name) =>
        new(new Sha1Digest(Encoding.ASCII.GetBytes(new string(name, 20))), null);
}
