namespace Shoal.Membership;

/// <summary>
/// What a receiver has to say of one content: what its last receipt of a former run said, and what came since. The first thing it says in
/// a run can be what was said before: whether that arrived, nobody knows. One caller at a time.
/// </summary>
public sealed class ReceiptLedger
{
    private readonly ReceiptContent _content;
    private readonly MemberId _ourselves;
    private readonly long _limit;
    private readonly DateTimeOffset _started;
    private readonly Dictionary<MemberId, long> _before = [];
    private readonly DateTimeOffset _since;
    private long _lastNumber;
    private ReceiptFields? _last;

    /// <param name="content">What it is about.</param>
    /// <param name="ourselves">The receiver.</param>
    /// <param name="size">Bytes of the content.</param>
    /// <param name="last">Of a former run; null: there was none.</param>
    /// <param name="now">When this run began.</param>
    public ReceiptLedger(ReceiptContent content, MemberId ourselves, long size, ReceiptFields? last, DateTimeOffset now)
    {
        _content = content;
        _ourselves = ourselves;
        _limit = (long)Int128.Min((Int128)size * CustodyLimits.MaxCopies, long.MaxValue);
        _started = WholeSecond(now);
        _since = _started;
        _lastNumber = last?.Number ?? 0;
        if (last is not null && last.Content == content)
        {
            _since = last.Since < _started ? last.Since : _started;
            foreach (var share in last.Senders)
            {
                _before[share.Sender] = share.Bytes;
            }
        }
    }

    /// <summary>The next receipt; null: there is nothing new to say.</summary>
    /// <param name="received">Proven bytes by sender, since this run began.</param>
    /// <param name="isComplete">All of it is here.</param>
    /// <param name="now">By our clock.</param>
    public ReceiptFields? Next(IReadOnlyDictionary<MemberId, long> received, bool isComplete, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(received);
        var until = WholeSecond(now);
        var since = _since;
        var senders = Merge(_before, received);
        if (senders.Aggregate(Int128.Zero, (sum, share) => sum + share.Bytes) > _limit)
        {
            // More than a receipt can say: it was fetched anew too often. What is said is how the present copy came.
            since = _started;
            senders = Merge([], received);
            Cap(senders);
        }

        if (
            (!isComplete && senders.Count == 0)
            || (_last is { } last && last.IsComplete == isComplete && last.Senders.SequenceEqual(senders))
        )
        {
            return null;
        }

        // The time, so that who has lost the former number has a higher one all the same.
        _lastNumber = Math.Max(_lastNumber + 1, until.ToUnixTimeSeconds());
        _last = new ReceiptFields
        {
            Content = _content,
            Number = _lastNumber,
            Since = since < until ? since : until,
            Until = until,
            IsComplete = isComplete,
            Senders = senders,
        };
        return _last;
    }

    private List<ReceivedShare> Merge(Dictionary<MemberId, long> before, IReadOnlyDictionary<MemberId, long> received)
    {
        var sums = new Dictionary<MemberId, long>(before);
        foreach (var (sender, bytes) in received)
        {
            sums[sender] = sums.GetValueOrDefault(sender) + bytes;
        }

        sums.Remove(_ourselves);
        return
        [
            .. sums.Where(sum => sum.Value > 0)
                .OrderByDescending(sum => sum.Value)
                .Take(CustodyLimits.MaxSenders)
                .OrderBy(sum => sum.Key)
                .Select(sum => new ReceivedShare(sum.Key, sum.Value)),
        ];
    }

    private void Cap(List<ReceivedShare> senders)
    {
        var left = _limit;
        for (var i = 0; i < senders.Count; i++)
        {
            senders[i] = senders[i] with { Bytes = Math.Min(senders[i].Bytes, left) };
            left -= senders[i].Bytes;
        }

        senders.RemoveAll(share => share.Bytes == 0);
    }

    private static DateTimeOffset WholeSecond(DateTimeOffset time) =>
        DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
}
