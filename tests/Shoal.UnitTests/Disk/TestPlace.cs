using Shoal.Engine;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Places for a test's files: in memory, or a folder of its own on the machine's file system.</summary>
internal sealed class TestPlace : IDisposable
{
    private readonly string? _folder;

    private TestPlace(bool isMemory, bool isLocal)
    {
        var all = new List<(IFileSystem, string, ManualTime)>();
        if (isMemory)
        {
            Memory = new MemoryFileSystem(Time);
            all.Add((Memory, "/disk", Time));
        }

        if (isLocal)
        {
            _folder = Directory.CreateTempSubdirectory("shoal-test").FullName;
            all.Add((new LocalFileSystem(), _folder, new ManualTime()));
        }

        All = all;
    }

    public IReadOnlyList<(IFileSystem Files, string Root, ManualTime Time)> All { get; }

    public ManualTime Time { get; } = new();

    public MemoryFileSystem? Memory { get; }

    /// <summary>The only or first of <see cref="All"/>.</summary>
    public IFileSystem Files => All[0].Files;

    public string Root => All[0].Root;

    public static TestPlace InMemory() => new(true, false);

    public static TestPlace OnDisk() => new(false, true);

    public static TestPlace Both() => new(true, true);

    public void Dispose()
    {
        if (_folder is not null)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }
}
