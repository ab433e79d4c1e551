using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>Settings: to read, to change, to read again from the file.</summary>
internal static class SettingsEndpoints
{
    public static IReadOnlyList<ApiRoute> Routes { get; } =
    [
        ApiRoute.Read(
            "/settings",
            "All settings: values, defaults, what they mean.",
            call => call.Services.Settings.List(),
            ApiJson.Default.SettingList
        ),
        new(
            "PATCH",
            "/settings",
            AccessScope.Admin,
            "Changes settings by key, in the file too; null: the default. All or none.",
            ChangeAsync
        )
        {
            Body = ApiJson.Default.DictionaryStringJsonElement,
            Answer = ApiJson.Default.SettingsResult,
        },
        new("POST", "/settings/reload", AccessScope.Admin, "Reads the settings file again.", ReloadAsync)
        {
            Answer = ApiJson.Default.SettingsResult,
        },
    ];

    private static async Task ChangeAsync(ApiCall call)
    {
        var values = await call.ReadAsync(ApiJson.Default.DictionaryStringJsonElement).ConfigureAwait(false);
        await TellAsync(
                call,
                await call.Services.Settings.ChangeAsync(values, call.Caller.IsOwner).ConfigureAwait(false)
            )
            .ConfigureAwait(false);
    }

    private static async Task ReloadAsync(ApiCall call) =>
        await TellAsync(call, await call.Services.Settings.ReloadAsync().ConfigureAwait(false)).ConfigureAwait(false);

    private static Task TellAsync(ApiCall call, SettingsResult result)
    {
        if (result.Changed.Count > 0)
        {
            call.Library.Events.Add(
                new DaemonEvent
                {
                    Id = 0,
                    Kind = "settings-changed",
                    Message = string.Join(", ", result.Changed),
                }
            );
        }

        return call.WriteAsync(result, ApiJson.Default.SettingsResult);
    }
}
