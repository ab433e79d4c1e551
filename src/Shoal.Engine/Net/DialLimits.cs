namespace Shoal.Engine;

/// <summary>Bounds on reaching one peer.</summary>
internal sealed record DialLimits
{
    public static readonly DialLimits Default = new();

    /// <summary>
    /// How long the better way is tried alone, unless it fails before. Default 250 ms. RFC 8305: "Connection Attempt
    /// Delay ... recommended value is 250 milliseconds": most round trips are shorter, so most peers see one attempt.
    /// </summary>
    public TimeSpan HeadStart { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Peers of which we remember that another way than the usual one worked. Default 4,096, about 100 bytes each.
    /// Beyond: the oldest is forgotten, and costs one more attempt.
    /// </summary>
    public int MaxRemembered { get; init; } = 4096;
}
