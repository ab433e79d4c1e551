namespace Shoal.Engine;

/// <summary>When a web seed is tried again after a failure. Time is a parameter; one for each web seed.</summary>
/// <param name="limits">The pauses.</param>
/// <param name="random">Spreads those who failed together, so that they do not come back together.</param>
internal sealed class WebSeedSchedule(WebSeedLimits limits, Random random)
{
    /// <summary>Doublings counted; beyond, the longest pause holds anyway.</summary>
    private const int MaxFailures = 16;

    private int _failures;

    /// <summary>Not to be tried before.</summary>
    public TimeSpan NotBefore { get; private set; }

    /// <summary>Never to be tried again.</summary>
    public bool IsGivenUp { get; private set; }

    /// <summary>The use of it ended without a failure of its own: it may be used again soon.</summary>
    public void Ended(TimeSpan now) => NotBefore = now + TimeSpan.FromSeconds(1);

    /// <summary>It lied, or leads where we must not go.</summary>
    public void GiveUp() => IsGivenUp = true;

    /// <param name="failure">What happened.</param>
    /// <param name="wasOfUse">It had brought whole runs of blocks before it failed.</param>
    /// <param name="now">The time.</param>
    public void Failed(WebSeedFailure failure, bool wasOfUse, TimeSpan now)
    {
        if (failure.Fault == WebSeedFault.Forbidden)
        {
            IsGivenUp = true;
            return;
        }

        _failures = wasOfUse ? 1 : Math.Min(_failures + 1, MaxFailures);
        var first = failure.Fault is WebSeedFault.FileMissing or WebSeedFault.BadAnswer
            ? limits.FirstRefusalBackOff
            : limits.FirstBackOff;
        var pause = first * Math.Pow(2, _failures - 1) * (0.8 + random.NextDouble() * 0.4);
        if (failure.RetryAfter is { } asked && asked > pause)
        {
            pause = asked;
        }

        NotBefore = now + (pause < limits.MaxBackOff ? pause : limits.MaxBackOff);
    }
}
