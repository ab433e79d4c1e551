using System.Text.Json;

namespace Shoal.UnitTests;

/// <summary>Files that lie beside the tests.</summary>
internal static class TestVectors
{
    public static JsonDocument Load(string file) =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Vectors", file)));

    /// <summary>Inputs to start mutations from: the files of one folder, in the order of their names.</summary>
    public static IReadOnlyList<byte[]> Corpus(string folder)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Corpus", folder);
        return [.. Directory.GetFiles(path).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];
    }
}
