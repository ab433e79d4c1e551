using System.Text.Json;

namespace Shoal.Daemon;

/// <summary>Settings as a person writes them on a command line.</summary>
public static class SettingInput
{
    /// <summary>A value; lists with commas.</summary>
    /// <param name="fault">One line with the key, the value and what is expected; empty: none.</param>
    /// <returns>Null: no such setting, or not of its kind.</returns>
    public static object? Parse(string key, string text, out string fault)
    {
        ArgumentNullException.ThrowIfNull(text);
        var setting = SettingsTable.Find(key);
        var value = setting?.Parse(text);
        fault =
            setting is null ? SettingsTable.Missing(key)
            : value is null ? $"{key}: {setting.Not($"'{text}'")}"
            : "";
        return value;
    }

    /// <summary>What to say of a key that is none, on one line.</summary>
    public static string Missing(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return SettingsTable.Missing(key);
    }

    /// <summary>What <see cref="Parse"/> gave, as the API takes it.</summary>
    public static JsonElement ToJson(object value) => SettingDefinition.ToJson(value);
}
