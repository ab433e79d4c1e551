using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>Failures as answers (RFC 9457).</summary>
internal static class Problems
{
    public static Problem Of(ApiException error) =>
        new()
        {
            Type = "urn:shoal:problem:" + error.Code,
            Title = error.Code.Replace('-', ' '),
            Status = error.Status,
            Detail = error.Message,
            Code = error.Code,
            Key = error.Key,
            Line = error.Line,
        };

    public static Task WriteAsync(HttpContext context, ApiException error)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return Task.CompletedTask;
        }

        var problem = Of(error);
        if (error.Status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer realm=\"shoal\"";
        }

        context.Response.StatusCode = error.Status;
        context.Response.ContentType = "application/problem+json";
        var bytes = JsonSerializer.SerializeToUtf8Bytes(problem, ApiJson.Default.Problem);
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }
}
