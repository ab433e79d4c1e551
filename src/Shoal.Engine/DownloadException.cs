namespace Shoal.Engine;

/// <summary>A file could not be fetched by its URL.</summary>
/// <param name="code">Stable, kebab-case.</param>
/// <param name="message">One line that names the URL.</param>
public sealed class DownloadException(string code, string message) : Exception(message)
{
    public string Code { get; } = code;
}
