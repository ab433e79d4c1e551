namespace Shoal.InteropTests;

/// <summary>A folder with a short path, since Unix sockets have short names, gone afterwards.</summary>
internal sealed class StateFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("shoal-d-").FullName;

    public string State => System.IO.Path.Combine(Path, "state");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
