namespace Shoal.Tracker;

/// <summary>A small fast generator (SplitMix64) for choosing peers; its seed is a parameter, as everything random.</summary>
internal struct TrackerRandom(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        var mixed = _state += 0x9E3779B97F4A7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }

    /// <summary>From 0 to below <paramref name="bound"/>; the bias of the multiplication is below 2^-32.</summary>
    public int Below(int bound) => (int)(((Next() >> 32) * (ulong)bound) >> 32);

    /// <summary>
    /// Chooses distinct numbers below <paramref name="bound"/>, every subset equally likely, in time that
    /// depends only on how many are chosen (Floyd's sampling). Fills as much as there is to choose from.
    /// </summary>
    public int Sample(int bound, Span<int> chosen)
    {
        if (bound <= chosen.Length)
        {
            for (var i = 0; i < bound; i++)
            {
                chosen[i] = i;
            }

            return bound;
        }

        // An open-addressed set twice as large as needed, on the stack: at most 4 KiB for 512 numbers.
        var size = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(chosen.Length * 2, 2));
        Span<int> set = size <= 1024 ? stackalloc int[size] : new int[size];
        set.Clear();
        var count = 0;
        for (var top = bound - chosen.Length; top < bound; top++)
        {
            var number = Below(top + 1);
            if (!TryInsert(set, number))
            {
                number = top;
                TryInsert(set, number);
            }

            chosen[count++] = number;
        }

        return count;
    }

    private static bool TryInsert(Span<int> set, int number)
    {
        var mask = set.Length - 1;
        var slot = (int)((uint)number * 2654435769u >> 7) & mask;
        for (; set[slot] != 0; slot = (slot + 1) & mask)
        {
            if (set[slot] == number + 1)
            {
                return false;
            }
        }

        set[slot] = number + 1;
        return true;
    }
}
