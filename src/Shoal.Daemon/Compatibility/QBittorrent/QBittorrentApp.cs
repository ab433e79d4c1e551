using System.Net.NetworkInformation;
using System.Runtime.InteropServices;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>What apps ask of the program itself, and what there is to answer where we have nothing: search.</summary>
internal static class QBittorrentApp
{
    private static readonly JsonDocumentOptions Depth = new() { MaxDepth = 16 };

    private static QBittorrentRoute Nothing =>
        new(
            AccessScope.Read,
            false,
            call =>
                call.WriteJsonAsync(json =>
                {
                    json.WriteStartArray();
                    json.WriteEndArray();
                })
        );

    public static IReadOnlyDictionary<string, QBittorrentRoute> Routes { get; } =
        new Dictionary<string, QBittorrentRoute>
        {
            ["app/version"] = new(AccessScope.Read, false, call => call.WriteTextAsync(QBittorrentApi.AppVersion)),
            ["app/webapiVersion"] = new(
                AccessScope.Read,
                false,
                call => call.WriteTextAsync(QBittorrentApi.ApiVersion)
            ),
            ["app/buildInfo"] = new(AccessScope.Read, false, BuildInfoAsync),
            ["app/defaultSavePath"] = new(
                AccessScope.Read,
                false,
                call => call.WriteTextAsync(call.Settings.DownloadFolder)
            ),
            ["app/preferences"] = new(
                AccessScope.Read,
                false,
                call => call.WriteJsonAsync(json => QBittorrentPreferences.Write(json, call.Services))
            ),
            ["app/setPreferences"] = new(AccessScope.Admin, true, SetPreferencesAsync),
            ["app/networkInterfaceList"] = new(AccessScope.Read, false, InterfacesAsync),
            ["app/shutdown"] = new(AccessScope.Admin, true, ShutDownAsync),
            // Empty, so that apps that show these show nothing instead of a failure.
            ["search/plugins"] = Nothing,
            ["search/status"] = Nothing,
        };

    private static Task BuildInfoAsync(QBittorrentCall call) =>
        call.WriteJsonAsync(json =>
            QBittorrentDetails.WriteObject(
                json,
                [
                    ("bitness", IntPtr.Size * 8),
                    ("boost", ""),
                    ("libtorrent", ""),
                    ("openssl", ""),
                    (
                        "platform",
                        OperatingSystem.IsWindows() ? "windows"
                        : OperatingSystem.IsMacOS() ? "macos"
                        : "linux"
                    ),
                    ("qt", ""),
                    ("runtime", RuntimeInformation.FrameworkDescription),
                    ("shoal", Engine.EngineVersion.Number),
                    ("zlib", ""),
                ]
            )
        );

    private static async Task SetPreferencesAsync(QBittorrentCall call)
    {
        JsonDocument wished;
        try
        {
            wished = JsonDocument.Parse(call.Need("json"), Depth);
        }
        catch (JsonException error)
        {
            throw ApiException.Bad("json", $"json: {error.Message}");
        }

        using (wished)
        {
            if (wished.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw ApiException.Bad("json", "json: an object is expected");
            }

            var values = QBittorrentPreferences.Read(wished.RootElement, call);
            if (values.Count > 0)
            {
                await call.Services.Settings.ChangeAsync(values, call.Caller.IsOwner).ConfigureAwait(false);
            }
        }

        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static Task InterfacesAsync(QBittorrentCall call) =>
        call.WriteJsonAsync(json =>
        {
            json.WriteStartArray();
            foreach (var name in NetworkInterface.GetAllNetworkInterfaces().Select(one => one.Name))
            {
                QBittorrentDetails.WriteObject(json, [("name", name), ("value", name)]);
            }

            json.WriteEndArray();
        });

    private static async Task ShutDownAsync(QBittorrentCall call)
    {
        await call.WriteTextAsync("").ConfigureAwait(false);
        await call.Context.Response.CompleteAsync().ConfigureAwait(false);
        call.Services.Stop();
    }
}
