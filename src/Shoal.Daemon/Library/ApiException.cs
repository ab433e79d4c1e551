namespace Shoal.Daemon;

/// <summary>A call that cannot be done, for a reason that the caller can understand. Becomes a problem in the answer.</summary>
/// <param name="status">HTTP.</param>
/// <param name="code">Stable; docs/api.md lists them.</param>
/// <param name="message">One line that names the input and the fault.</param>
internal sealed class ApiException(int status, string code, string message) : Exception(message)
{
    public int Status { get; } = status;
    public string Code { get; } = code;

    /// <summary>The field, parameter or setting at fault.</summary>
    public string? Key { get; init; }

    /// <summary>In the settings file.</summary>
    public int? Line { get; init; }

    /// <summary>A list of a body, whose items JSON lets be null.</summary>
    /// <exception cref="ApiException">One of them is.</exception>
    public static IReadOnlyList<T> Whole<T>(string key, IReadOnlyList<T>? items)
        where T : class =>
        (items ?? []).Any(item => item is null)
            ? throw Bad(key, $"{key}: null is none of the list's values")
            : items ?? [];

    public static ApiException Bad(string key, string message) => new(400, "bad-value", message) { Key = key };
}
