using System.CommandLine;
using System.Globalization;
using Shoal.Api;

namespace Shoal.Cli;

/// <summary>Feeds that the daemon reads; <see cref="RuleCommand"/> says what it takes of them.</summary>
internal static class FeedCommand
{
    public static Command Build(CliHost host) =>
        new ShoalCommand("feed", "Feeds (RSS, Atom) that the daemon reads for torrents")
        {
            Examples =
            [
                new("Follow a feed", "shoal feed add https://example.com/rss.xml"),
                new("How they are", "shoal feed list"),
                new("What is in it", "shoal feed entries https://example.com/rss.xml"),
            ],
            Notes =
            [
                "Nothing of a feed is added until a rule takes it, such as 'shoal rule set isos --contains \"netinst amd64\"'.",
            ],
        }.With(host, List(host), Add(host), Remove(host), Check(host), Entries(host));

    private static ShoalCommand List(CliHost host)
    {
        var command = new ShoalCommand("list", "Show the feeds, when they were read, and what went wrong")
        {
            Examples = [new("All of them", "shoal feed list")],
        };
        var daemon = new DaemonAccess(host, command);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        Show((await client.FeedsAsync(cancel)).Feeds, output);
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static ShoalCommand Add(CliHost host)
    {
        var url = Url();
        var title = Options.Text("--title", "TEXT", "A name for people (default: none)");
        var interval = Options.Duration("--interval", "How often it is read, from 1m (default: feeds.interval)");
        var command = new ShoalCommand("add", "Follow a feed, or change the one of this URL")
        {
            Examples =
            [
                new("Follow a feed", "shoal feed add https://example.com/rss.xml"),
                new("Look every ten minutes", "shoal feed add https://example.com/rss.xml --interval 10m"),
            ],
            Notes =
            [
                "A feed within the daemon's own network can be named on its machine only, not with --daemon. What rules have taken "
                    + "of it is not taken again.",
            ],
        };
        command.Add(url);
        var daemon = new DaemonAccess(host, command, title, interval);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var named = result.GetRequiredValue(url);
                        var known = (await client.FeedsAsync(cancel)).Feeds.FirstOrDefault(feed => feed.Url == named);
                        var feed = new FeedItem
                        {
                            Url = named,
                            Title = result.GetValue(title) ?? known?.Title,
                            Interval = (long?)result.GetValue(interval)?.TotalSeconds ?? known?.Interval,
                        };
                        await client.SetFeedAsync(feed, cancel);
                        output.Say("feed", feed, ApiJson.Default.FeedItem, () => $"Following {named}");
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static ShoalCommand Remove(CliHost host)
    {
        var url = Url();
        var command = new ShoalCommand("remove", "Follow a feed no more; torrents that came of it stay")
        {
            Examples = [new("One", "shoal feed remove https://example.com/rss.xml")],
        };
        command.Add(url);
        var daemon = new DaemonAccess(host, command);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var named = result.GetRequiredValue(url);
                        await client.RemoveFeedAsync(named, cancel);
                        output.Say(
                            "removed",
                            new FeedItem { Url = named },
                            ApiJson.Default.FeedItem,
                            () => $"Removed {named}"
                        );
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static ShoalCommand Check(CliHost host)
    {
        var command = new ShoalCommand("check", "Read all feeds now, whenever they were read last")
        {
            Examples = [new("All of them", "shoal feed check")],
        };
        var daemon = new DaemonAccess(host, command);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        await client.CheckFeedsAsync(cancel);
                        if (!output.IsJson)
                        {
                            output.Line("The feeds are being read; 'shoal feed list' tells how they are.");
                        }

                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static ShoalCommand Entries(CliHost host)
    {
        var url = Url();
        var command = new ShoalCommand("entries", "Show what was in a feed when it was read last")
        {
            Examples =
            [
                new("All of them", "shoal feed entries https://example.com/rss.xml"),
                new("Links for a script", "shoal feed entries https://example.com/rss.xml --json"),
            ],
        };
        command.Add(url);
        var daemon = new DaemonAccess(host, command);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var entries = (await client.FeedEntriesAsync(result.GetRequiredValue(url), cancel)).Entries;
                        foreach (var entry in output.IsJson ? entries : [])
                        {
                            output.Json("entry", entry, ApiJson.Default.FeedEntryItem);
                        }

                        if (!output.IsJson)
                        {
                            output.Table(
                                ["TITLE", "LEADS TO", "DECIDED"],
                                [
                                    .. entries.Select(entry =>
                                        (IReadOnlyList<string>)[entry.Title, KindOf(entry), entry.Seen ? "yes" : "no"]
                                    ),
                                ]
                            );
                        }

                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static Argument<string> Url() => new("URL") { Description = "Of the feed, http or https" };

    private static string KindOf(FeedEntryItem entry) =>
        entry.Source is null ? "nothing"
        : entry.Source.StartsWith("magnet:", StringComparison.OrdinalIgnoreCase) ? "link"
        : "torrent";

    private static void Show(IReadOnlyList<FeedItem> feeds, DaemonOutput output)
    {
        if (output.IsJson)
        {
            foreach (var feed in feeds)
            {
                output.Json("feed", feed, ApiJson.Default.FeedItem);
            }

            return;
        }

        if (feeds.Count == 0)
        {
            output.Line("No feeds; 'shoal feed add' adds one.");
            return;
        }

        output.Table(
            ["FEED", "TITLE", "EVERY", "READ", "ENTRIES"],
            [
                .. feeds.Select(feed =>
                    (IReadOnlyList<string>)
                        [
                            feed.Url,
                            feed.Title ?? "-",
                            feed.Interval is { } seconds ? Duration.Format(TimeSpan.FromSeconds(seconds)) : "-",
                            feed.CheckedAt is { } at
                                ? DateTimeOffset
                                    .FromUnixTimeSeconds(at)
                                    .ToLocalTime()
                                    .ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)
                                : "not yet",
                            feed.Entries.ToString(CultureInfo.InvariantCulture),
                        ]
                ),
            ]
        );
        foreach (var feed in feeds.Where(feed => feed.Error is not null))
        {
            output.Line($"{feed.Url}: {feed.Error}");
        }
    }
}
