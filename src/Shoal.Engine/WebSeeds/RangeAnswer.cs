using System.Globalization;

namespace Shoal.Engine;

/// <summary>What we asked of a file, in bytes.</summary>
/// <param name="From">The first byte.</param>
/// <param name="Length">How many, from 1.</param>
/// <param name="FileSize">How long the file is, as the torrent says.</param>
internal readonly record struct RangeQuestion(long From, long Length, long FileSize)
{
    public long Last => From + Length - 1;

    public string Header => string.Create(CultureInfo.InvariantCulture, $"bytes={From}-{Last}");
}

/// <summary>The head of an answer, as far as it matters here. Null: not said.</summary>
internal sealed record RangeHead
{
    public required int Status { get; init; }
    public long? ContentLength { get; init; }

    /// <summary>The Content-Range header as it was sent.</summary>
    public string? ContentRange { get; init; }

    /// <summary>Content-Encoding as it was sent.</summary>
    public string? ContentEncoding { get; init; }
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>Judges what a server answered to a range request (RFC 9110). Believes nothing.</summary>
internal static class RangeAnswer
{
    /// <param name="question">What was asked.</param>
    /// <param name="head">What came.</param>
    /// <param name="start">Where in the file the body begins; not after what was asked for.</param>
    /// <returns>Null: the body holds what was asked for.</returns>
    public static WebSeedFailure? Judge(in RangeQuestion question, RangeHead head, out long start)
    {
        start = 0;
        var status = head.Status;
        if (status is not (200 or 206))
        {
            return Refusal(status, head.RetryAfter);
        }

        // We asked for the bytes as they are. What is packed could be anything, also a bomb.
        if (
            head.ContentEncoding is { Length: > 0 } encoding
            && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase)
        )
        {
            return Bad($"the server packs its answers ({Short(encoding)})");
        }

        if (status == 200)
        {
            // RFC 9110: "A server MAY ignore the Range header field."
            return head.ContentLength is { } whole && whole != question.FileSize ? WrongSize(whole, question) : null;
        }

        if (!TryRead(head.ContentRange, out var from, out var last, out var total))
        {
            return Bad("the server sends a part and does not say which");
        }

        if (total is { } size && size != question.FileSize)
        {
            return WrongSize(size, question);
        }

        if (from != question.From || last != question.Last)
        {
            return Bad("the server sends another part than was asked for");
        }

        if (head.ContentLength is { } length && length != question.Length)
        {
            return Bad("the length of the answer is not that of its part");
        }

        start = from;
        return null;
    }

    /// <summary>bytes 0-499/1234, or /* where the server does not know the size.</summary>
    public static bool TryRead(string? header, out long from, out long last, out long? total)
    {
        (from, last, total) = (0, 0, null);
        if (header is null || !header.StartsWith("bytes ", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        var text = header.AsSpan(6).Trim();
        var dash = text.IndexOf('-');
        var slash = text.IndexOf('/');
        if (
            dash < 1
            || slash < dash + 2
            || !TryNumber(text[..dash], out from)
            || !TryNumber(text[(dash + 1)..slash], out last)
        )
        {
            return false;
        }

        var size = text[(slash + 1)..];
        if (!size.SequenceEqual("*"))
        {
            if (!TryNumber(size, out var number))
            {
                return false;
            }

            total = number;
        }

        return last >= from && (total is null || last < total);
    }

    private static WebSeedFailure Refusal(int status, TimeSpan? retryAfter)
    {
        var message = string.Create(CultureInfo.InvariantCulture, $"HTTP status {status}");
        var fault = status switch
        {
            // 416: the file is shorter than the torrent says.
            403 or 404 or 410 or 416 or 451 => WebSeedFault.FileMissing,
            408 or 425 or 429 or >= 500 => WebSeedFault.Busy,
            _ => WebSeedFault.BadAnswer,
        };
        return new WebSeedFailure(fault, message, retryAfter);
    }

    private static WebSeedFailure WrongSize(long size, in RangeQuestion question) =>
        new(
            WebSeedFault.FileMissing,
            string.Create(
                CultureInfo.InvariantCulture,
                $"the file has {size} bytes there and {question.FileSize} in the torrent"
            )
        );

    private static WebSeedFailure Bad(string message) => new(WebSeedFault.BadAnswer, message);

    private static string Short(string text) => text.Length > 40 ? text[..40] : text;

    private static bool TryNumber(ReadOnlySpan<char> text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
