namespace Shoal.Engine;

/// <summary>A sentence that is always true; when it is not, the state cannot be trusted and the torrent faults.</summary>
internal static class Invariant
{
    public static void Holds(bool condition, string sentence)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"invariant broken: {sentence}");
        }
    }
}
