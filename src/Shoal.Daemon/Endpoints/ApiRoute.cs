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
    /// <summary>A call that changes nothing.</summary>
    /// <param name="answer">What it answers with.</param>
    /// <param name="type">Of the answer.</param>
    public static ApiRoute Read<T>(string path, string summary, Func<ApiCall, T> answer, JsonTypeInfo<T> type) =>
        new("GET", path, AccessScope.Read, summary, call => call.WriteAsync(answer(call), type)) { Answer = type };

    /// <summary>A call that changes what another reads, and answers as that one does.</summary>
    /// <param name="body">Of the wish.</param>
    /// <param name="change">Does it.</param>
    /// <param name="answer">What is there then.</param>
    /// <param name="type">Of the answer.</param>
    public static ApiRoute Change<TBody, T>(
        string method,
        string path,
        string summary,
        JsonTypeInfo<TBody> body,
        Func<ApiCall, TBody, Task> change,
        Func<ApiCall, T> answer,
        JsonTypeInfo<T> type
    ) =>
        new(
            method,
            path,
            AccessScope.Control,
            summary,
            async call =>
            {
                await change(call, await call.ReadAsync(body).ConfigureAwait(false)).ConfigureAwait(false);
                await call.WriteAsync(answer(call), type).ConfigureAwait(false);
            }
        )
        {
            Body = body,
            Answer = type,
        };

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
