namespace Shoal.Api;

/// <summary>A daemon refused a call, or could not be reached.</summary>
/// <param name="code">Stable; "no-daemon" when nobody answers there.</param>
/// <param name="message">One line for people.</param>
/// <param name="status">The HTTP status; 0: there was no answer.</param>
public sealed class DaemonException(string code, string message, int status = 0, Exception? inner = null)
    : Exception(message, inner)
{
    public string Code { get; } = code;
    public int Status { get; } = status;
}
