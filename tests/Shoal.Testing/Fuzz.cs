using System.Diagnostics;
using System.Globalization;

namespace Shoal.Testing;

/// <summary>
/// The seed and the time of a fuzz run: fixed by default, so that a run says the same twice, and overridable by
/// SHOAL_FUZZ_SEED and SHOAL_FUZZ_SECONDS to look further.
/// </summary>
public static class Fuzz
{
    /// <summary>
    /// Calls the body with one random source after another, each seeded by its round, for about a second and at
    /// most <paramref name="rounds"/> times. A failure names the seed that brings it back as round 0.
    /// </summary>
    public static void Run(int rounds, Action<Random> body)
    {
        var seed = Read("SHOAL_FUZZ_SEED") ?? 20_260_101;
        var seconds = Read("SHOAL_FUZZ_SECONDS");
        var watch = Stopwatch.StartNew();
        for (var round = 0; ; round++)
        {
            if (seconds is null ? round >= rounds : watch.Elapsed.TotalSeconds >= seconds)
            {
                Console.WriteLine($"fuzz: seed {seed}, {round} rounds");
                return;
            }

            try
            {
                body(new Random(unchecked(seed + round)));
            }
            catch (Exception exception)
            {
                throw new FuzzFailureException($"SHOAL_FUZZ_SEED={unchecked(seed + round)} fails", exception);
            }
        }
    }

    /// <summary>Changes, removes, repeats or adds a few bytes.</summary>
    public static byte[] Mutate(Random random, ReadOnlySpan<byte> original)
    {
        var bytes = new List<byte>(original.Length + 16);
        bytes.AddRange(original);
        for (var left = random.Next(1, 5); left > 0; left--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(6))
            {
                case 0 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1 when at < bytes.Count:
                    bytes[at] = Interesting[random.Next(Interesting.Length)];
                    break;
                case 2:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 3:
                    bytes.RemoveRange(at, random.Next(Math.Min(bytes.Count - at, 8) + 1));
                    break;
                case 4:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 5:
                    bytes.InsertRange(at, bytes.GetRange(at, random.Next(Math.Min(bytes.Count - at, 16) + 1)));
                    break;
            }
        }

        return [.. bytes];
    }

    private static ReadOnlySpan<byte> Interesting =>
        [0, 1, 0x7f, 0x80, 0xff, (byte)'e', (byte)'-', (byte)'0', (byte)':'];

    private static int? Read(string name) =>
        int.TryParse(
            Environment.GetEnvironmentVariable(name),
            NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture,
            out var value
        )
            ? value
            : null;
}

/// <summary>A fuzz run found something; the message says how to see it again.</summary>
public sealed class FuzzFailureException(string message, Exception inner) : Exception(message, inner);
