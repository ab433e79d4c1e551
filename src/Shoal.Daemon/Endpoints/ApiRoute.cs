using System.Text.Json.Serialization.Metadata;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>One call of the API: how it is reached, what it needs, and what the documents say of it.</summary>
/// <param name="Method">HTTP.</param>
/// <param name="Path">Below /api/v1, with {names} of parameters.</param>
/// <param name="Scope">What the caller must be allowed; null: anybody may call.</param>
/// <param name="Summary">One sentence.</param>
/// <param name="Handle">Does it.</param>
internal sealed record ApiRoute(
    string Method,
    string Path,
    AccessScope? Scope,
    string Summary,
    Func<ApiCall, Task> Handle
)
{
    /// <summary>Of the body; null: there is none.</summary>
    public JsonTypeInfo? Body { get; init; }

    /// <summary>Of the answer; null: there is none, or it is no JSON.</summary>
    public JsonTypeInfo? Answer { get; init; }
    public int Status { get; init; } = 200;

    /// <summary>Parameters of the query: name and meaning.</summary>
    public IReadOnlyList<(string Name, string Help)> Query { get; init; } = [];

    /// <summary>In bytes.</summary>
    public long MaxBody { get; init; } = ApiLimits.MaxBody;
}
