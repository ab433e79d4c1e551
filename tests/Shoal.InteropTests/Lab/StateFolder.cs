namespace Shoal.InteropTests;

/// <summary>A folder with a short path, since Unix sockets have short names, gone afterwards.</summary>
/// <param name="parent">Where it is made; null: where temporary files are.</param>
internal sealed class StateFolder(string? parent = null) : IDisposable
{
    public string Path { get; } =
        parent is null
            ? Directory.CreateTempSubdirectory("shoal-d-").FullName
            : Directory.CreateDirectory(System.IO.Path.Combine(parent, $"shoal-d-{Guid.NewGuid():N}")).FullName;

    public string State => System.IO.Path.Combine(Path, "state");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
