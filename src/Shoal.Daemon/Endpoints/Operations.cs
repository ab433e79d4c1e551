using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>For those who run daemons: is it well, and numbers for Prometheus.</summary>
internal static class Operations
{
    public static void Map(WebApplication web, DaemonServices services)
    {
        web.MapMethods("/healthz", ["GET", "HEAD"], context => HealthAsync(context, services));
        web.MapMethods(
            "/metrics",
            ["GET"],
            context =>
            {
                ApiRoutes.Admit(context, services, AccessScope.Read);
                return WriteAsync(
                    context,
                    PrometheusText.ContentType,
                    PrometheusText.Format(DaemonMetrics.Read(services))
                );
            }
        );
    }

    /// <summary>Anybody may ask, and learns nothing else.</summary>
    private static Task HealthAsync(HttpContext context, DaemonServices services)
    {
        var isWell = services.Library.StateProblem is null;
        context.Response.StatusCode = isWell ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return WriteAsync(
            context,
            "text/plain; charset=utf-8",
            isWell ? "ok\n" : "the state folder cannot be written\n"
        );
    }

    private static Task WriteAsync(HttpContext context, string type, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        context.Response.ContentType = type;
        context.Response.ContentLength = bytes.Length;
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }
}
