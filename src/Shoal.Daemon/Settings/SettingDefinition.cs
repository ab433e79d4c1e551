using System.Globalization;
using System.Text.Json;

namespace Shoal.Daemon;

/// <summary>What a setting can be.</summary>
internal enum SettingKind
{
    /// <summary>long.</summary>
    Integer,

    /// <summary>double; a whole number is one too.</summary>
    Number,
    Boolean,

    /// <summary>string.</summary>
    Text,

    /// <summary>Array of strings.</summary>
    List,
}

/// <summary>One setting: what it may be and what it means. The file, its documentation and the API all come from it.</summary>
/// <param name="Key">Section and name.</param>
/// <param name="Kind">Of its value.</param>
/// <param name="Default">long, double, bool, string or string[].</param>
/// <param name="Help">One or two sentences, with unit and range.</param>
internal sealed record SettingDefinition(string Key, SettingKind Kind, object Default, string Help)
{
    // Characters of a value that are repeated in what is said of it.
    private const int MostShown = 100;

    public bool NeedsRestart { get; init; } = true;

    /// <summary>Says what the daemon runs: nobody who only has a token may say so.</summary>
    public bool OwnerOnly { get; init; }

    /// <summary>Names folders: whoever only has a token names none but those that it may name already.</summary>
    public bool IsFolder { get; init; }

    /// <summary>There may be a password in it: what is wrong with it is told without it.</summary>
    public bool IsSecret { get; init; }

    /// <summary>Of integers and numbers: what is counted, and what 0 means where it means something else.</summary>
    public string Unit { get; init; } = "";

    /// <summary>Of integers and numbers.</summary>
    public double Min { get; init; }
    public double Max { get; init; } = long.MaxValue;

    /// <summary>Of texts: one of these; empty: any.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>What is wrong with a text, or with one of a list, and what is expected, on one line; null: nothing.</summary>
    public Func<string, string?>? Check { get; init; }

    /// <summary>Of lists: the same for the first.</summary>
    public Func<string, string?>? CheckFirst { get; init; }

    public string Section => Key[..Key.IndexOf('.', StringComparison.Ordinal)];
    public string Name => Key[(Key.IndexOf('.', StringComparison.Ordinal) + 1)..];

    /// <summary>Brings a value into the form of the kind, and says what is wrong with it.</summary>
    /// <param name="value">long, double, bool, string or string[].</param>
    /// <param name="taken">The value to keep; the default where there is a fault.</param>
    /// <returns>The fault, without the key; null: none.</returns>
    public string? Take(object value, out object taken)
    {
        taken = Default;
        object? right = Kind switch
        {
            SettingKind.Integer => value as long?,
            SettingKind.Number => value is long whole ? (double)whole : value as double?,
            SettingKind.Boolean => value as bool?,
            SettingKind.Text => value as string,
            _ => value as string[],
        };
        var fault = right is null ? Not(SettingsText.Format(value)) : FaultOf(right);
        taken = fault is null ? right! : Default;
        return fault;
    }

    /// <summary>What is wrong with a value that is not of the kind, and what is expected.</summary>
    /// <param name="shown">The value as it was written.</param>
    /// <returns>One line, without the key.</returns>
    public string Not(string shown) => $"{(IsSecret ? "what is given" : OneLine(shown))} is not {Expected}";

    /// <summary>A text of others as part of a message: on one line, and not all of a long one.</summary>
    public static string OneLine(string text)
    {
        var some = text.Length > MostShown ? text[..MostShown] + "..." : text;
        return string.Concat(some.Select(c => char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString()));
    }

    /// <summary>A value as a person writes it on a command line; null: it is not of the kind.</summary>
    public object? Parse(string text) =>
        Kind switch
        {
            SettingKind.Integer => long.TryParse(
                text,
                NumberStyles.AllowLeadingSign,
                CultureInfo.InvariantCulture,
                out var whole
            )
                ? whole
                : null,
            SettingKind.Number => double.TryParse(
                text,
                NumberStyles.Float,
                CultureInfo.InvariantCulture,
                out var number
            )
                ? number
                : null,
            SettingKind.Boolean => bool.TryParse(text, out var flag) ? flag : null,
            SettingKind.Text => text,
            _ => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
        };

    /// <summary>A value as JSON; null: it is none of the kinds there are.</summary>
    public static object? FromJson(JsonElement json) =>
        json.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.String => TextOf(json),
            JsonValueKind.Number => json.TryGetInt64(out var whole) ? (object)whole : json.GetDouble(),
            JsonValueKind.Array => ListOf(json),
            _ => null,
        };

    private static string[]? ListOf(JsonElement json)
    {
        var texts = json.EnumerateArray().Select(TextOf).ToList();
        return texts.Contains(null) ? null : [.. texts!];
    }

    /// <summary>Null: it is no text, or has half of a surrogate pair, which JSON can write.</summary>
    private static string? TextOf(JsonElement json)
    {
        try
        {
            return json.ValueKind == JsonValueKind.String ? json.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    public static JsonElement ToJson(object value)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            switch (value)
            {
                case long whole:
                    json.WriteNumberValue(whole);
                    break;
                case double number:
                    json.WriteNumberValue(number);
                    break;
                case bool flag:
                    json.WriteBooleanValue(flag);
                    break;
                case string text:
                    json.WriteStringValue(text);
                    break;
                default:
                    json.WriteStartArray();
                    Array.ForEach((string[])value, json.WriteStringValue);
                    json.WriteEndArray();
                    break;
            }
        }

        return JsonElement.Parse(stream.ToArray());
    }

    public static bool AreEqual(object one, object other) =>
        one is string[] list
            ? other is string[] otherList && list.AsSpan().SequenceEqual(otherList)
            : one.Equals(other);

    /// <summary>Kind, range and unit, or the words there are.</summary>
    public string Expected =>
        Kind switch
        {
            SettingKind.Integer => "a whole number " + Range,
            SettingKind.Number => "a number " + Range,
            SettingKind.Boolean => "true or false",
            SettingKind.Text => Words.Count > 0 ? "one of " + string.Join(", ", Words) : "a text in quotes",
            _ => "a list of texts such as [\"a\", \"b\"]",
        };

    private string? FaultOf(object value) =>
        value switch
        {
            long whole when whole < Min || whole > Max => Not(SettingsText.Format(value)),
            double number when !(number >= Min && number <= Max) => Not(SettingsText.Format(value)),
            string text => FaultOf(text),
            string[] list => list.Select(FaultOf).FirstOrDefault(fault => fault is not null)
                ?? (list.Length > 0 ? Shortened(CheckFirst, list[0]) : null),
            _ => null,
        };

    private string? FaultOf(string text)
    {
        var shown = IsSecret ? "what is given" : $"'{OneLine(text)}'";
        return Words.Count > 0 && !Words.Contains(text) ? Not($"'{text}'")
            : text.Any(char.IsControl) ? $"{shown} has control characters, which are not allowed"
            : Shortened(Check, text);
    }

    private static string? Shortened(Func<string, string?>? check, string text) =>
        text.Length <= MostShown
            ? check?.Invoke(text)
            : check?.Invoke(text)?.Replace(text, OneLine(text), StringComparison.Ordinal);

    private string Range =>
        (
            Max < long.MaxValue
                ? string.Create(CultureInfo.InvariantCulture, $"from {Min} to {Max}")
                : string.Create(CultureInfo.InvariantCulture, $"of {Min} or more")
        ) + (Unit.Length > 0 ? $" ({Unit})" : "");
}

/// <summary>The settings file has a mistake.</summary>
internal sealed class SettingsException(string message, int? line, string? key) : Exception(message)
{
    /// <summary>From 1; null: it is not in the file.</summary>
    public int? Line { get; } = line;
    public string? Key { get; } = key;
}
