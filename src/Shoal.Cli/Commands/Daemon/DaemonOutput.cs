using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Shoal.Api;

namespace Shoal.Cli;

/// <summary>What commands print of a daemon's answers: lines for people, or the API's own objects with an event in front.</summary>
internal sealed class DaemonOutput(CliHost host, bool isJson)
{
    private static readonly JsonSerializerOptions Relaxed = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = ApiJson.Default,
    };

    public bool IsJson { get; } = isJson;

    public void Line(string text = "") => host.Out.WriteLine(SafeText.Of(text));

    public void Json<T>(string kind, T value, JsonTypeInfo<T> type)
    {
        var line = new JsonObject { ["event"] = kind };
        foreach (var (name, field) in JsonSerializer.SerializeToNode(value, type)!.AsObject())
        {
            line[name] = field?.DeepClone();
        }

        JsonOutput.WriteText(host.Out, line.ToJsonString(Relaxed));
    }

    /// <summary>Either.</summary>
    public void Say<T>(string kind, T value, JsonTypeInfo<T> type, Func<string> text)
    {
        if (IsJson)
        {
            Json(kind, value, type);
        }
        else
        {
            Line(text());
        }
    }

    /// <summary>Rows in columns; the first takes what is left of the terminal.</summary>
    public void Table(IReadOnlyList<string> heads, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var widths = heads
            .Select((head, column) => rows.Select(row => SafeText.Width(row[column])).Append(head.Length).Max())
            .ToArray();
        if (host.IsTerminal)
        {
            var others = widths.Skip(1).Sum() + 2 * (widths.Length - 1);
            widths[0] = Math.Clamp(host.TerminalSize().Width - others, 12, widths[0]);
        }

        foreach (var row in rows.Prepend(heads))
        {
            var cells = row.Select((cell, column) => Pad(SafeText.Of(cell), widths[column], isText: column == 0));
            host.Out.WriteLine(string.Join("  ", cells).TrimEnd());
        }
    }

    public static string Percent(double share) => $"{Math.Floor(share * 1000) / 10:0.#}%";

    private static string Pad(string cell, int width, bool isText)
    {
        var fit = SafeText.Fit(cell, width);
        var space = new string(' ', Math.Max(0, width - SafeText.Width(fit)));
        return isText ? fit + space : space + fit;
    }
}
