namespace Shoal.Engine;

/// <summary>
/// Memory that all uTP connections together may promise beyond what each may use anyway: windows grow only as far as it
/// lasts. Safe to use from any thread.
/// </summary>
/// <param name="bytes">How much there is.</param>
internal sealed class UtpBudget(long bytes)
{
    private long _left = bytes;

    /// <summary>What nobody has.</summary>
    public long Left => Interlocked.Read(ref _left);

    /// <summary>Takes so much, or nothing when it is not there.</summary>
    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _left, -bytes) >= 0)
        {
            return true;
        }

        Interlocked.Add(ref _left, bytes);
        return false;
    }

    public void Return(long bytes) => Interlocked.Add(ref _left, bytes);
}
