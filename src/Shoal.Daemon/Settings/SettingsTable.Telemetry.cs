namespace Shoal.Daemon;

// What is logged, and who is told.
internal static partial class SettingsTable
{
    private static IReadOnlyList<SettingDefinition> Telemetry =>
        [
            new(
                "log.level",
                SettingKind.Text,
                "info",
                "What goes to the log (standard error): trace, debug, info, warning, error or off, each with all that come after it."
            )
            {
                NeedsRestart = false,
                Words = LogRules.Words,
            },
            new(
                "log.parts",
                SettingKind.List,
                Array.Empty<string>(),
                $"Parts with a level of their own, as PART=LEVEL such as tracker=debug. Parts are {string.Join(", ", LogParts.All)}."
            )
            {
                NeedsRestart = false,
                Check = LogRules.FaultOf,
            },
            new(
                "log.format",
                SettingKind.Text,
                "auto",
                "How a line of the log looks: text, json (an object a line), journal (with a priority, for systemd) or auto (journal where systemd listens, else text)."
            )
            {
                NeedsRestart = false,
                Words = ["auto", "text", "json", "journal"],
            },
            new(
                "telemetry.otlp-url",
                SettingKind.Text,
                "",
                "A collector of OpenTelemetry that gets the numbers of /metrics by OTLP over HTTP (protobuf), such as http://127.0.0.1:4318; v1/metrics and v1/logs are added to it. Empty: none."
            )
            {
                IsSecret = true,
                NeedsRestart = false,
                Check = CollectorUrl,
            },
            new(
                "telemetry.otlp-headers",
                SettingKind.List,
                Array.Empty<string>(),
                "Headers for the collector, each NAME: VALUE, such as an Authorization. Their values are shown to nobody."
            )
            {
                IsSecret = true,
                NeedsRestart = false,
                Check = Header,
            },
            new("telemetry.interval", SettingKind.Integer, 60L, "Seconds between two reports to the collector.")
            {
                Unit = "seconds",
                NeedsRestart = false,
                Min = 1,
                Max = 86_400,
            },
            new("telemetry.logs", SettingKind.Boolean, false, "The collector gets the lines of the log too.")
            {
                NeedsRestart = false,
            },
        ];

    // There may be a password in what is wrong with it.
    private static string? CollectorUrl(string text) =>
        text.Length == 0 || PublicSite.TryParse(text) is not null
            ? null
            : "it is not an http or https URL without name, password and query, such as http://127.0.0.1:4318";

    private static string? Header(string text) =>
        text.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon
        && text[..colon].All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
            ? null
            : "it is not NAME: VALUE";
}
