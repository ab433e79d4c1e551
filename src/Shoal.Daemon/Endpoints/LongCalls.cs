namespace Shoal.Daemon;

/// <summary>
/// Calls that last, such as files being sent: so many of each caller, and of all. Without the former one token, however little it
/// allows, could keep all others out.
/// </summary>
/// <param name="what">What so many do, for people.</param>
/// <param name="mostOfOne">Of one token or login. Beyond: 429.</param>
/// <param name="mostOfAll">Of all together.</param>
/// <param name="tooMany">What is said beyond that; null: there is no such bound.</param>
internal sealed class LongCalls(
    string what,
    int mostOfOne,
    int mostOfAll = int.MaxValue,
    Func<ApiException>? tooMany = null
)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _ofOne = new(StringComparer.Ordinal);
    private int _taken;

    /// <summary>Under way now.</summary>
    public int Taken => Volatile.Read(ref _taken);

    /// <param name="who">The id of a token or login; null: the owner, who may fill all places.</param>
    /// <returns>To be disposed of when the call ends.</returns>
    /// <exception cref="ApiException">There are too many.</exception>
    public IDisposable Enter(string? who)
    {
        lock (_lock)
        {
            var taken = who is null ? 0 : _ofOne.GetValueOrDefault(who);
            if (taken >= mostOfOne)
            {
                throw new ApiException(
                    429,
                    "too-many-calls",
                    $"{mostOfOne} {what} with this token or login already: end one first"
                );
            }

            if (_taken >= mostOfAll && tooMany is not null)
            {
                throw tooMany();
            }

            _taken++;
            if (who is not null)
            {
                _ofOne[who] = taken + 1;
            }
        }

        return new Place(this, who);
    }

    private void Leave(string? who)
    {
        lock (_lock)
        {
            _taken--;
            if (who is not null && --_ofOne[who] == 0)
            {
                _ofOne.Remove(who);
            }
        }
    }

    private sealed class Place(LongCalls calls, string? who) : IDisposable
    {
        private int _isLeft;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isLeft, 1) == 0)
            {
                calls.Leave(who);
            }
        }
    }
}
