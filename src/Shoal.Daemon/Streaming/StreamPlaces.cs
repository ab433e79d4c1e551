namespace Shoal.Daemon;

/// <summary>How many files are being sent at once.</summary>
internal sealed class StreamPlaces
{
    private int _taken;

    /// <summary>Files being sent now.</summary>
    public int Taken => Volatile.Read(ref _taken);

    /// <returns>To be disposed of when it is sent.</returns>
    /// <exception cref="ApiException">There are too many.</exception>
    public IDisposable Enter()
    {
        if (Interlocked.Increment(ref _taken) > StreamLimits.MaxStreams)
        {
            Interlocked.Decrement(ref _taken);
            throw TooMany();
        }

        return new Place(this);
    }

    public static ApiException TooMany() => new(503, "too-many-streams", "too many files are being played already");

    private sealed class Place(StreamPlaces places) : IDisposable
    {
        private int _isLeft;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isLeft, 1) == 0)
            {
                Interlocked.Decrement(ref places._taken);
            }
        }
    }
}
