using System.Text.Json;

namespace Shoal.Daemon;

/// <summary>Switches the alternative limits as the schedule says.</summary>
internal sealed class LimitSchedule(SettingsStore settings, TorrentLibrary library, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly ScheduleSwitch _switch = new();
    private bool? _pending;
    private string? _lastFault;

    public async Task LookAsync(CancellationToken stop)
    {
        var current = settings.Current;
        _pending = _switch.Next(current.Schedule, time.GetUtcNow()) ?? _pending;
        if (_pending is not { } wanted)
        {
            return;
        }

        if (current.HasAlternativeLimits != wanted)
        {
            try
            {
                var values = new Dictionary<string, JsonElement>
                {
                    ["alternative.enabled"] = SettingDefinition.ToJson(wanted),
                };
                await settings.ChangeAsync(values, isOwner: true).WaitAsync(stop).ConfigureAwait(false);
                library.Events.Add(
                    new Api.DaemonEvent
                    {
                        Id = 0,
                        Kind = "settings-changed",
                        Message = "alternative.enabled",
                    }
                );
            }
            catch (ApiException error)
            {
                // Tried again until it works, told once.
                if (_lastFault != error.Message)
                {
                    _lastFault = error.Message;
                    library.Warn(error.Code, $"the schedule of limits: {error.Message}");
                }

                return;
            }
        }

        _pending = null;
        _lastFault = null;
    }
}
