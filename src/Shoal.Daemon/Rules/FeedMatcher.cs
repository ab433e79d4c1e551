using System.Globalization;
using System.Text.RegularExpressions;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>Whether a rule takes an entry of a feed, by its title.</summary>
internal sealed class FeedMatcher
{
    /// <summary>What a pattern may take for one title: one that takes longer matches nothing.</summary>
    public static readonly TimeSpan PatternTime = TimeSpan.FromMilliseconds(100);

    /// <summary>Titles that may take too long until the pattern is given up: with this matcher, so for one look at a feed.</summary>
    public const int MaxSlow = 10;

    private readonly string[] _must;
    private readonly string[] _mustNot;
    private readonly Regex? _pattern;
    private int _slow;

    /// <exception cref="ArgumentException">The pattern is none.</exception>
    public FeedMatcher(FeedRule rule)
    {
        Rule = rule;
        _must = Words(rule.MustContain);
        _mustNot = Words(rule.MustNotContain);
        _pattern = rule.Pattern is { Length: > 0 } pattern
            ? new Regex(pattern, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, PatternTime)
            : null;
    }

    public FeedRule Rule { get; }

    /// <summary>The pattern took too long for a title: it ought to be written otherwise.</summary>
    public bool IsSlow => _slow > 0;

    public bool Matches(string title)
    {
        if (
            Rule.Enabled == false
            || _slow >= MaxSlow
            || !_must.All(word => title.Contains(word, StringComparison.OrdinalIgnoreCase))
            || _mustNot.Any(word => title.Contains(word, StringComparison.OrdinalIgnoreCase))
        )
        {
            return false;
        }

        try
        {
            return _pattern?.IsMatch(title) != false;
        }
        catch (RegexMatchTimeoutException)
        {
            _slow++;
            return false;
        }
    }

    /// <summary>Entries of this feed are for the rule.</summary>
    public bool Reads(string url) => Rule.Feeds.Count == 0 || Rule.Feeds.Contains(url);

    /// <summary>Those of some entries that the rule takes, in their order: of an episode the first alone where the rule says so.</summary>
    public IEnumerable<T> Among<T>(IEnumerable<T> entries, Func<T, string> titleOf)
    {
        var episodes = new HashSet<string>(StringComparer.Ordinal);
        return entries.Where(entry =>
            Matches(titleOf(entry))
            && !(Rule.OnceAnEpisode && EpisodeName.Of(titleOf(entry)) is { } episode && !episodes.Add(episode))
        );
    }

    private static string[] Words(string? text) => (text ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>Which episode of which series a title names, so that a second release of it can be left out.</summary>
internal static partial class EpisodeName
{
    /// <summary>The series in small letters and the number; null: the title names no episode.</summary>
    /// <remarks>S01E02, 1x02, and dates such as 2026.11.28 are known.</remarks>
    public static string? Of(string title)
    {
        if (title.Length > 1000 || Numbered().Match(title) is not { Success: true } found)
        {
            return null;
        }

        var series = string.Concat(title[..found.Index].Where(char.IsLetterOrDigit)).ToLowerInvariant();
        var number = found.Groups["y"].Success
            ? $"{found.Groups["y"].Value}-{found.Groups["m"].Value}-{found.Groups["d"].Value}"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{int.Parse(found.Groups["s"].Value, CultureInfo.InvariantCulture)}x{int.Parse(found.Groups["e"].Value, CultureInfo.InvariantCulture)}"
            );
        return $"{series} {number}";
    }

    [GeneratedRegex(
        @"(?<![a-z0-9])(?:s(?<s>\d{1,4})[ ._-]?e(?<e>\d{1,4})|(?<s>\d{1,2})x(?<e>\d{1,4})|(?<y>(?:19|20)\d\d)[ ._-](?<m>[01]\d)[ ._-](?<d>[0-3]\d))(?![0-9])",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex Numbered();
}
