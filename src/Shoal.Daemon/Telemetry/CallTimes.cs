using Microsoft.AspNetCore.Http;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>How long calls took, by their method: what reads and what changes something.</summary>
internal sealed class CallTimes
{
    private readonly (string Method, DurationHistogram Times)[] _all =
    [
        .. new[] { "get", "post", "patch", "put", "delete", "other" }.Select(method =>
            (method, new DurationHistogram())
        ),
    ];

    public void Add(HttpContext context, TimeSpan took)
    {
        if (!Lasts(context))
        {
            var method = context.Request.Method;
            var at = Array.FindIndex(_all, one => method.Equals(one.Method, StringComparison.OrdinalIgnoreCase));
            (at < 0 ? _all[^1] : _all[at]).Times.Add(took);
        }
    }

    public IEnumerable<(string Method, DurationCounts Durations)> Read() =>
        _all.Select(one => (one.Method, one.Times.Read()));

    // It says how long somebody listened or watched, not how quick we are.
    private static bool Lasts(HttpContext context) =>
        context.Response.ContentType?.StartsWith("text/event-stream", StringComparison.Ordinal) == true
        || context.Request.Path.StartsWithSegments(StreamLinks.Root, StringComparison.Ordinal);
}
