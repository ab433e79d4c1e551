using System.Globalization;
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
                return WriteAsync(context, "text/plain; version=0.0.4; charset=utf-8", Metrics(services));
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

    /// <summary>In the text format of Prometheus.</summary>
    private static string Metrics(DaemonServices services)
    {
        var status = StatusEndpoints.Status(services);
        var text = new StringBuilder();
        void Add(string name, string type, string help, FormattableString value) =>
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n")
                .Append(value.ToString(CultureInfo.InvariantCulture))
                .Append('\n');
        Add(
            "shoal_torrents",
            "gauge",
            "Torrents by state.",
            $"shoal_torrents{{state=\"downloading\"}} {status.Downloading}\nshoal_torrents{{state=\"seeding\"}} {status.Seeding}\nshoal_torrents{{state=\"paused\"}} {status.Paused}\nshoal_torrents{{state=\"failed\"}} {status.Failed}"
        );
        Add("shoal_peers", "gauge", "Connected peers.", $"shoal_peers {status.Peers}");
        Add(
            "shoal_downloaded_bytes_total",
            "counter",
            "Payload received since the start.",
            $"shoal_downloaded_bytes_total {status.Downloaded}"
        );
        Add(
            "shoal_uploaded_bytes_total",
            "counter",
            "Payload sent since the start.",
            $"shoal_uploaded_bytes_total {status.Uploaded}"
        );
        Add(
            "shoal_download_rate_bytes",
            "gauge",
            "Payload received a second.",
            $"shoal_download_rate_bytes {status.DownloadRate}"
        );
        Add(
            "shoal_upload_rate_bytes",
            "gauge",
            "Payload sent a second.",
            $"shoal_upload_rate_bytes {status.UploadRate}"
        );
        Add(
            "shoal_start_time_seconds",
            "gauge",
            "When the daemon started.",
            $"shoal_start_time_seconds {status.StartedAt}"
        );
        Add(
            "shoal_state_writable",
            "gauge",
            "Whether the state folder can be written.",
            $"shoal_state_writable {(status.StateProblem is null ? 1 : 0)}"
        );
        Add(
            "process_resident_memory_bytes",
            "gauge",
            "Memory of the process.",
            $"process_resident_memory_bytes {Environment.WorkingSet}"
        );
        if (status.FreeSpace is { } free)
        {
            Add("shoal_free_bytes", "gauge", "Free where the download folder is.", $"shoal_free_bytes {free}");
        }

        return text.ToString();
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
