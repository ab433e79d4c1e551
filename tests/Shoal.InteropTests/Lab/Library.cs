using System.Collections.Concurrent;

namespace Shoal.InteropTests;

/// <summary>The content and the torrents that many tests share, made once and only read.</summary>
public sealed class Library : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<Task<Sample>>> _samples = new();
    private readonly string _folder;

    public Library()
    {
        Warden.Begin();
        Tools.Require("opentracker");
        _folder = Directory.CreateDirectory(Path.Combine(Warden.Folder, "library")).FullName;
        Content = Path.Combine(_folder, "Shoal interop – data");
        DataSet.Write(Content);
        SingleFile = Path.Combine(_folder, "single file.bin");
        DataSet.File(_folder, Path.GetFileName(SingleFile), 5_000_001, new Random(DataSet.Seed));
    }

    /// <summary>The folder of <see cref="DataSet"/>.</summary>
    public string Content { get; }

    public string SingleFile { get; }

    /// <summary>
    /// The whole data set as a torrent made by the client under test. "v1-padded" is made by libtorrent: v1 with
    /// the pad files of a hybrid, for the clients whose Debian versions cannot read a hybrid at all (aria2 1.36
    /// takes another infohash for it, Transmission 3.00 calls it corrupt: both stumble over the empty key of
    /// BEP 52's file tree).
    /// </summary>
    internal Task<Sample> DataAsync(string format) =>
        OnceAsync(
            $"data-{format}",
            file =>
                format == "v1-padded"
                    ? Sample.CreateAsync(file, Content, format)
                    : Subject.Client.CreateAsync(file, Content, format)
        );

    /// <summary>The file at <paramref name="content"/> as a torrent made by <paramref name="make"/>, once.</summary>
    internal Task<Sample> OnceAsync(string name, Func<string, Task<Sample>> make) =>
        _samples.GetOrAdd(name, _ => new(() => make(Path.Combine(_folder, $"{name}.torrent")))).Value;

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
