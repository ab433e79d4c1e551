using System.Text.Json;

namespace Shoal.Daemon;

/// <summary>
/// A number, text, flag or nothing, as a field of an answer: compared with what the caller knows, sorted by, and written,
/// for ten thousand torrents without an object for each.
/// </summary>
internal readonly record struct QBittorrentValue : IComparable<QBittorrentValue>
{
    private readonly JsonValueKind _kind;
    private readonly long _whole;
    private readonly double _number;
    private readonly string? _text;

    private QBittorrentValue(JsonValueKind kind, long whole, double number, string? text) =>
        (_kind, _whole, _number, _text) = (kind, whole, number, text);

    public static QBittorrentValue Null { get; } = new(JsonValueKind.Null, 0, 0, null);

    public static implicit operator QBittorrentValue(long value) => new(JsonValueKind.Number, value, value, "");

    public static implicit operator QBittorrentValue(int value) => (long)value;

    // The text tells it from a whole number: 1.0 has to stay a number with a fraction for apps of strict types.
    public static implicit operator QBittorrentValue(double value) => new(JsonValueKind.Number, 0, value, null);

    public static implicit operator QBittorrentValue(bool value) =>
        new(value ? JsonValueKind.True : JsonValueKind.False, value ? 1 : 0, 0, null);

    public static implicit operator QBittorrentValue(string value) => new(JsonValueKind.String, 0, 0, value);

    public int CompareTo(QBittorrentValue other) =>
        _kind == JsonValueKind.String
            ? string.Compare(_text, other._text, StringComparison.OrdinalIgnoreCase)
            : (_whole, _number).CompareTo((other._whole, other._number));

    public void Write(Utf8JsonWriter json)
    {
        switch (_kind)
        {
            case JsonValueKind.Number when _text is not null:
                json.WriteNumberValue(_whole);
                break;
            case JsonValueKind.Number:
                json.WriteNumberValue(double.IsFinite(_number) ? _number : 0);
                break;
            case JsonValueKind.String:
                json.WriteStringValue(_text);
                break;
            case JsonValueKind.True or JsonValueKind.False:
                json.WriteBooleanValue(_kind == JsonValueKind.True);
                break;
            default:
                json.WriteNullValue();
                break;
        }
    }
}
