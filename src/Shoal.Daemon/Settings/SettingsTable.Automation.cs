using Shoal.Engine;

namespace Shoal.Daemon;

// What the daemon does by itself.
internal static partial class SettingsTable
{
    private static IReadOnlyList<SettingDefinition> Automation =>
        [
            new(
                "alternative.schedule",
                SettingKind.List,
                Array.Empty<string>(),
                "When in a week the alternative limits hold, each DAYS HH:MM-HH:MM such as mon-fri 08:00-18:30 or sat,sun 22:00-06:00 (over midnight) or daily 00:00-24:00. Whoever switches them by hand has his way until the schedule changes next. Empty: no schedule."
            )
            {
                NeedsRestart = false,
                Check = text => WeekSpan.Parse(text, out var fault) is null ? fault : null,
            },
            new(
                "alternative.time-zone",
                SettingKind.Text,
                "",
                "Whose clock the schedule goes by, such as Europe/Berlin. Empty: this machine's."
            )
            {
                NeedsRestart = false,
                Check = text =>
                    text.Length == 0 || TimeZoneInfo.TryFindSystemTimeZoneById(text, out _)
                        ? null
                        : $"there is no time zone '{text}' on this machine",
            },
            new(
                "watch.folders",
                SettingKind.List,
                Array.Empty<string>(),
                "Folders whose .torrent files (and .magnet files, with a link in each) are added as they come; full paths. Files in a folder below one of them get its name as category. What was added ends in .added then, what is here already in .duplicate, what is broken in .failed."
            )
            {
                IsFolder = true,
                NeedsRestart = false,
                Check = FullPath,
            },
            new("watch.interval", SettingKind.Integer, 5L, "Seconds between looks at the watch folders.")
            {
                Unit = "seconds",
                NeedsRestart = false,
                Min = 1,
                Max = 86_400,
            },
            Program("events.added", "a torrent was added"),
            Program("events.completed", "everything wanted of a torrent is there, and in its own folder"),
            Program("events.moved", "the content of a torrent was moved"),
            Program("events.failed", "a torrent failed"),
            new(
                "events.time-limit",
                SettingKind.Integer,
                60L,
                "Seconds that a program may take; then it and its children are ended."
            )
            {
                Unit = "seconds",
                NeedsRestart = false,
                Min = 1,
                Max = 86_400,
            },
            new("events.at-once", SettingKind.Integer, 4L, "Programs that run at once; others wait.")
            {
                Unit = "programs",
                Min = 1,
                Max = 64,
            },
            new(
                "feeds.interval",
                SettingKind.Integer,
                1800L,
                "Seconds between looks at a feed, unless the feed says otherwise."
            )
            {
                Unit = "seconds",
                NeedsRestart = false,
                Min = 60,
                Max = 604_800,
            },
            new(
                "network.ip-filter-urls",
                SettingKind.List,
                Array.Empty<string>(),
                "Lists of addresses to have nothing to do with, fetched from here by http or https: DAT, P2P or CIDR, also gzipped. The last good list is kept."
            )
            {
                // They may lie in the own network.
                OwnerOnly = true,
                Check = text =>
                    Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
                        ? null
                        : $"'{text}' is not a URL of http or https",
            },
            new("network.ip-filter-hours", SettingKind.Integer, 24L, "Hours between fetches of network.ip-filter-urls.")
            {
                Unit = "hours",
                NeedsRestart = false,
                Min = 1,
                Max = 8760,
            },
        ];

    private static SettingDefinition Program(string key, string when) =>
        new(
            key,
            SettingKind.List,
            Array.Empty<string>(),
            $"A program to run when {when}: its full path, then its arguments, in which {{name}}, {{id}}, {{path}}, {{directory}}, {{category}}, {{labels}} and {{size}} stand for those of the torrent; the environment has them too (docs/automation.md). No shell. Changed in the file or over the socket only. Empty: none."
        )
        {
            NeedsRestart = false,
            OwnerOnly = true,
            // What a bare name means depends on where the daemon runs and on what lies in its folder.
            CheckFirst = text =>
                Path.IsPathFullyQualified(text)
                    ? null
                    : $"'{text}' is not the full path of a program such as /usr/local/bin/sort-film",
        };
}
