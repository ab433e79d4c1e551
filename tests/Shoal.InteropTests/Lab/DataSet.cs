using System.Security.Cryptography;

namespace Shoal.InteropTests;

/// <summary>
/// The content that travels: every size and name that has ever been somebody's bug. No two files
/// need the same padding in pieces of 64 KiB: pad files are named by their size, and rtorrent 0.9.8 refuses a
/// hybrid in which two have one name ("Duplicate filename found").
/// </summary>
internal static class DataSet
{
    public const int Seed = 20261121;
    public const int LargeFile = 40 * 1024 * 1024 + 12_345;

    public static void Write(string folder)
    {
        var random = new Random(Seed);
        File(folder, "empty", 0, random);
        File(folder, "one byte", 1, random);
        foreach (var size in (int[])[16_383, 16_384, 16_385, 65_535, 65_536, 65_538, 1_000_003])
        {
            File(folder, $"size-{size}.bin", size, random);
        }
        File(folder, "another-empty.txt", 0, random);
        File(folder, "Übung/Größe/данные/数据/πλοῖον/seed 🐟.dat", 77_777, random);
        File(folder, $"deep/{string.Join('/', Enumerable.Range(1, 12))}/bottom", 4_321, random);
        File(folder, $"deep/{new string('n', 120)}.long name", 99, random);
        for (var i = 0; i < 300; i++)
        {
            var size = i * 30 + random.Next(30);
            File(folder, $"small/{i % 10}/{i:000}.bin", size is 1 or 99 or 4_321 ? size + 1 : size, random);
        }
        File(folder, "large.bin", LargeFile, random);
        File(folder, "zz-last-empty", 0, random);
    }

    /// <summary>Relative path with `/`, and SHA-256, of every file below a folder; pad files are not content.</summary>
    public static SortedDictionary<string, string> Hashes(string folder)
    {
        var hashes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            var path = Path.GetRelativePath(folder, file);
            if (!path.StartsWith(".pad/", StringComparison.Ordinal))
            {
                using var stream = System.IO.File.OpenRead(file);
                hashes[path] = Convert.ToHexStringLower(SHA256.HashData(stream));
            }
        }
        return hashes;
    }

    /// <summary>Fails the test with the first differences if two folders (or files) differ.</summary>
    /// <param name="expected">What was sent.</param>
    /// <param name="actual">What arrived.</param>
    /// <param name="emptyFiles">False if files without content may be missing.</param>
    public static void AssertSame(string expected, string actual, bool emptyFiles = true)
    {
        if (System.IO.File.Exists(expected))
        {
            Assert.True(System.IO.File.Exists(actual), $"{actual} is missing");
            Assert.Equal(
                SHA256.HashData(System.IO.File.ReadAllBytes(expected)),
                SHA256.HashData(System.IO.File.ReadAllBytes(actual))
            );
            return;
        }
        Assert.True(Directory.Exists(actual), $"{actual} is missing");
        var (want, have) = (Hashes(expected), Hashes(actual));
        var nothing = Convert.ToHexStringLower(SHA256.HashData([]));
        if (!emptyFiles)
        {
            foreach (var (path, _) in want.Where(file => file.Value == nothing && !have.ContainsKey(file.Key)).ToList())
            {
                want.Remove(path);
            }
        }
        var wrong = want.Where(file => !have.TryGetValue(file.Key, out var hash) || hash != file.Value)
            .Select(file => $"{file.Key}: {(have.ContainsKey(file.Key) ? "differs" : "missing")}")
            .Concat(have.Keys.Except(want.Keys).Select(path => $"{path}: was not sent"))
            .ToList();
        Assert.True(wrong.Count == 0, $"{wrong.Count} files wrong in {actual}: {string.Join(", ", wrong.Take(10))}");
    }

    /// <summary>A folder with everything in it, to another place.</summary>
    public static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            System.IO.File.Copy(file, target);
        }
    }

    public static void File(string folder, string path, int size, Random random)
    {
        var file = new FileInfo(Path.Combine(folder, path));
        file.Directory!.Create();
        var content = new byte[size];
        random.NextBytes(content);
        System.IO.File.WriteAllBytes(file.FullName, content);
    }
}
