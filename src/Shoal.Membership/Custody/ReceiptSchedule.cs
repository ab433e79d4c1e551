namespace Shoal.Membership;

/// <summary>
/// When a receiver says how far it is: now and then, and at once when it has all of it. One caller at a time; time is a parameter.
/// </summary>
/// <param name="now">When it begins.</param>
public sealed class ReceiptSchedule(TimeSpan now)
{
    private TimeSpan _next = now + CustodyLimits.ReceiptInterval;
    private bool _wasComplete;

    /// <summary>It is time to say something, if there is anything new.</summary>
    public bool IsDue(TimeSpan now, bool isComplete) => now >= _next || (isComplete && !_wasComplete);

    /// <summary>It is time now, whatever was said before.</summary>
    public void Hurry() => _next = TimeSpan.Zero;

    /// <summary>It was tried.</summary>
    /// <param name="now">When.</param>
    /// <param name="isComplete">What was to be said.</param>
    /// <param name="isSaid">It arrived, or there was nothing to say.</param>
    public void Tried(TimeSpan now, bool isComplete, bool isSaid)
    {
        _next = now + (isSaid ? CustodyLimits.ReceiptInterval : CustodyLimits.ReceiptRetry);
        // Also when it did not arrive: a hub that is away is not asked each second.
        _wasComplete = isComplete;
    }
}
