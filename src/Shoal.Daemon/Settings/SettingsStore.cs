using System.Text;
using System.Text.Json;
using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>The settings file and what holds now. Changes come one after the other.</summary>
internal sealed class SettingsStore : IDisposable
{
    private readonly string _path;

    // What the command line says, as long as nobody says otherwise through the API. Changed in turn.
    private Dictionary<string, object> _over;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile DaemonSettings _current;

    private SettingsStore(string path, IReadOnlyDictionary<string, object> over, DaemonSettings current)
    {
        _path = path;
        _over = new Dictionary<string, object>(over, StringComparer.Ordinal);
        _current = current;
        AtStart = current;
    }

    public DaemonSettings Current => _current;

    /// <summary>What those settings say that hold from the next start on.</summary>
    public DaemonSettings AtStart { get; }

    /// <summary>Told of new settings, before whoever changed them has the answer.</summary>
    public Action<DaemonSettings> Changed { get; set; } = _ => { };

    /// <summary>Reads the file; writes one that explains everything where there is none.</summary>
    /// <param name="over">What the command line says.</param>
    /// <exception cref="SettingsException">The file has a mistake, or cannot be used.</exception>
    public static SettingsStore Open(string path, IReadOnlyDictionary<string, object> over)
    {
        try
        {
            if (!File.Exists(path))
            {
                AtomicFile.Write(path, Encoding.UTF8.GetBytes(SettingsText.Document(SettingsTable.All)));
            }

            return new SettingsStore(path, over, DaemonSettings.Of(SettingsReader.Read(File.ReadAllText(path)), over));
        }
        catch (SettingsException error)
        {
            throw new SettingsException($"{path}: {error.Message}", error.Line, error.Key);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"{path}: {error.Message}", null, null);
        }
    }

    /// <summary>The file was edited.</summary>
    /// <exception cref="ApiException">It has a mistake: everything stays as it was.</exception>
    public Task<SettingsResult> ReloadAsync() => ApplyAsync(text => text, []);

    /// <summary>
    /// Changes the file and what holds, also where the command line said something else: whoever changes it now wants it now.
    /// The next start begins with its command line again.
    /// </summary>
    /// <param name="values">By key; null: the default.</param>
    /// <param name="isOwner">The caller is who runs the daemon.</param>
    /// <exception cref="ApiException">One of them is wrong: nothing is changed.</exception>
    public Task<SettingsResult> ChangeAsync(IReadOnlyDictionary<string, JsonElement> values, bool isOwner = false)
    {
        var taken = new List<(SettingDefinition Setting, object Value)>();
        foreach (var (key, json) in values)
        {
            var setting =
                SettingsTable.Find(key)
                ?? throw new ApiException(400, "no-such-setting", SettingsTable.Missing(key)) { Key = key };
            if (setting.OwnerOnly && !isOwner)
            {
                throw new ApiException(403, "owner-only", $"{key} is changed in the file, or over the daemon's socket")
                {
                    Key = key,
                };
            }

            var value = json.ValueKind == JsonValueKind.Null ? setting.Default : SettingDefinition.FromJson(json);
            object right = setting.Default;
            var fault = value is null ? setting.Not(json.GetRawText()) : setting.Take(value, out right);
            if (fault is not null)
            {
                throw ApiException.Bad(key, $"{key}: {fault}");
            }

            if (setting.IsFolder && !isOwner)
            {
                CheckFolders(key, right);
            }

            taken.Add((setting, right));
        }

        return ApplyAsync(
            text => taken.Aggregate(text, (now, entry) => SettingsText.With(now, entry.Setting, entry.Value)),
            [.. taken.Select(entry => entry.Setting.Key)]
        );
    }

    public SettingList List()
    {
        var current = Current;
        return new SettingList([
            .. SettingsTable.All.Select(setting => new SettingItem
            {
                Key = setting.Key,
                Kind = setting.Kind.ToString().ToLowerInvariant(),
                Value = SettingDefinition.ToJson(Shown(setting, current[setting.Key])),
                Default = SettingDefinition.ToJson(setting.Default),
                Help = setting.Help,
                NeedsRestart = setting.NeedsRestart,
            }),
        ]);
    }

    /// <summary>
    /// A token lets nobody run programs: so it must not open the folders in which the settings, or what runs at a login, lie.
    /// </summary>
    private void CheckFolders(string key, object value)
    {
        foreach (var folder in (value as string[] ?? [(string)value]).Where(folder => folder.Length > 0))
        {
            PathJail.Check(folder, Current.AllowedFolders, key);
        }
    }

    public void Dispose() => _turn.Dispose();

    // A password in a proxy's URL is for the proxy only, and what is in a header for the collector.
    private static object Shown(SettingDefinition setting, object value) =>
        setting.Key == "telemetry.otlp-headers" && value is string[] headers
            ? headers.Select(text => text[..(text.IndexOf(':', StringComparison.Ordinal) + 1)] + " ***").ToArray()
        : setting.Key == "network.proxy" && value is string url && url.LastIndexOf('@') is > 0 and var at
            ? url[..(url.IndexOf("//", StringComparison.Ordinal) + 2)] + "***" + url[at..]
        : value;

    private async Task<SettingsResult> ApplyAsync(Func<string, string> edit, HashSet<string> keys)
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            return await Task.Run(() => Apply(edit, keys)).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    private SettingsResult Apply(Func<string, string> edit, HashSet<string> keys)
    {
        try
        {
            var before = File.Exists(_path) ? File.ReadAllText(_path) : "";
            var after = edit(before);
            var over = _over.Where(pair => !keys.Contains(pair.Key)).ToDictionary();
            var next = DaemonSettings.Of(SettingsReader.Read(after), over);
            if (after != before)
            {
                AtomicFile.Write(_path, Encoding.UTF8.GetBytes(after));
            }

            var changed = SettingsTable
                .All.Where(setting => !SettingDefinition.AreEqual(_current[setting.Key], next[setting.Key]))
                .ToList();
            _over = over;
            _current = next;
            Changed(next);
            return new SettingsResult(
                [.. changed.Select(setting => setting.Key)],
                [.. changed.Where(setting => setting.NeedsRestart).Select(setting => setting.Key)]
            );
        }
        catch (SettingsException error)
        {
            throw new ApiException(409, "settings-file", $"the settings file: {error.Message}")
            {
                Key = error.Key,
                Line = error.Line,
            };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ApiException(500, "state-not-saved", $"the settings file cannot be written: {error.Message}");
        }
    }
}
