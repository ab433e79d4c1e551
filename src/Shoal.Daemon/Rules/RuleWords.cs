using System.Text;
using System.Text.RegularExpressions;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>
/// What a rule of qBittorrent says of titles, in our words, and back. Theirs has alternatives, each of words that all have to be there
/// and may have wildcards, or two regular expressions; ours has words, all or none of which are there, and one regular expression.
/// What has no words of ours becomes the regular expression, which then is what apps are shown.
/// </summary>
/// <param name="MustContain">As <see cref="FeedRule.MustContain"/>.</param>
/// <param name="MustNotContain">As <see cref="FeedRule.MustNotContain"/>.</param>
/// <param name="Pattern">As <see cref="FeedRule.Pattern"/>.</param>
internal sealed record RuleWords(string? MustContain, string? MustNotContain, string? Pattern)
{
    private const char Alternative = '|';
    private static readonly char[] Wildcards = ['*', '?'];

    /// <exception cref="ArgumentException">It is no regular expression.</exception>
    public static RuleWords Read(string mustContain, string mustNotContain, bool isRegex)
    {
        if (isRegex)
        {
            return OfPatterns(mustContain, mustNotContain);
        }

        var (must, mustNot) = (mustContain.Trim(), mustNotContain.Trim());
        var words = Plain(must);
        var others = mustNot.Split(Alternative).Select(Plain).ToList();
        var areOthersPlain = others.TrueForAll(other => other is { Length: > 0 } && !other.Contains(' '));
        var pattern = new StringBuilder();
        if (mustNot.Length > 0 && !areOthersPlain)
        {
            pattern.Append("(?!").Append(Alternatives(mustNot)).Append(')');
        }

        if (words is null)
        {
            pattern.Append(Alternatives(must));
        }

        return new RuleWords(
            words is { Length: > 0 } ? words : null,
            mustNot.Length > 0 && areOthersPlain ? string.Join(' ', others) : null,
            pattern.Length > 0 ? "^" + pattern : null
        );
    }

    /// <summary>As qBittorrent writes it.</summary>
    public (string MustContain, string MustNotContain, bool IsRegex) Write()
    {
        var (must, others) = (Split(MustContain), Split(MustNotContain));
        if (Pattern is null && must.Concat(others).All(word => word.IndexOfAny([Alternative, .. Wildcards]) < 0))
        {
            return (string.Join(' ', must), string.Join(Alternative, others), false);
        }

        var lookAheads = string.Concat(must.Select(word => Somewhere(Regex.Escape(word))));
        return (
            must.Length == 0 ? Pattern ?? "" : $"^{lookAheads}{(Pattern is null ? "" : Somewhere(Pattern))}",
            string.Join(Alternative, others.Select(Regex.Escape)),
            true
        );
    }

    private static RuleWords OfPatterns(string must, string mustNot)
    {
        // Each alone first: two halves of nonsense may make sense together.
        Check(must);
        Check(mustNot);
        var pattern = mustNot.Length > 0 ? $"^{Without(mustNot)}{(must.Length > 0 ? Somewhere(must) : "")}" : must;
        return new RuleWords(null, null, pattern.Length > 0 ? pattern : null);
    }

    private static void Check(string pattern) => _ = new Regex(pattern, RegexOptions.None, FeedMatcher.PatternTime);

    private static string[] Split(string? words) => (words ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Words without alternatives and wildcards that mean anything; null: they have some.</summary>
    private static string? Plain(string expression)
    {
        // Words are looked for anywhere, so wildcards at their ends say nothing.
        var words = Expression(expression).Select(word => word.Trim('*')).Where(word => word.Length > 0).ToList();
        return words.Exists(word => word.IndexOfAny([Alternative, .. Wildcards]) >= 0) ? null : string.Join(' ', words);
    }

    private static string[] Expression(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>"a b|c*d": a pattern that matches at the beginning of a title. An empty alternative matches every title, as with qBittorrent.</summary>
    private static string Alternatives(string text) =>
        "(?:"
        + string.Join(
            Alternative,
            text.Split(Alternative)
                .Select(expression =>
                    string.Concat(
                        Expression(expression)
                            .Select(word =>
                                Somewhere(
                                    Regex
                                        .Escape(word)
                                        .Replace(@"\*", ".*", StringComparison.Ordinal)
                                        .Replace(@"\?", ".", StringComparison.Ordinal)
                                )
                            )
                    )
                )
        )
        + ")";

    private static string Somewhere(string pattern) => $"(?=.*(?:{pattern}))";

    private static string Without(string pattern) => $"(?!.*(?:{pattern}))";
}
