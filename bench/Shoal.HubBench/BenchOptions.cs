using System.Globalization;
using Shoal.Hub;

namespace Shoal.HubBench;

/// <summary>What is measured.</summary>
/// <param name="Members">How many; 2 to 20,000, which one request invites.</param>
/// <param name="Seconds">How long they announce.</param>
/// <param name="Hubs">Processes behind one database; members are spread over them.</param>
/// <param name="UsesPostgres">In the place of SQLite; needed for several hubs.</param>
/// <param name="Receipts">What the hubs keep; null: members give none.</param>
/// <param name="Pairs">Times that they announce without receipts and then with; 0: once, as wanted.</param>
internal sealed record BenchOptions(
    int Members,
    int Seconds,
    int Hubs,
    bool UsesPostgres,
    ReceiptRetention? Receipts,
    int Pairs
)
{
    public const string Usage =
        "Shoal.HubBench [MEMBERS] [SECONDS] [--postgres] [--hubs N] [--receipts sums|signed [--alternate N]]\n"
        + "  MEMBERS: 2 to 20000 (default 10000); SECONDS: from 1 (default 120); --hubs: 1 to 16, more than one with --postgres\n"
        + "  --alternate: N times SECONDS without receipts and SECONDS with, and what receipts add";

    /// <summary>Null: they make no sense.</summary>
    public static BenchOptions? Read(string[] arguments)
    {
        var options = new BenchOptions(10_000, 120, 1, false, null, 0);
        var place = 0;
        for (var i = 0; i < arguments.Length; i++)
        {
            switch (arguments[i])
            {
                case "--postgres":
                    options = options with { UsesPostgres = true };
                    break;
                case "--hubs" when i + 1 < arguments.Length && TryRead(arguments[++i], 16, out var hubs):
                    options = options with { Hubs = hubs };
                    break;
                case "--receipts"
                    when i + 1 < arguments.Length
                        && RetentionNames.TryParse(arguments[++i], out var kept)
                        && kept != ReceiptRetention.None:
                    options = options with { Receipts = kept };
                    break;
                case "--alternate" when i + 1 < arguments.Length && TryRead(arguments[++i], 100, out var pairs):
                    options = options with { Pairs = pairs };
                    break;
                case var text when place == 0 && TryRead(text, 20_000, out var members) && members > 1:
                    options = options with { Members = members };
                    place++;
                    break;
                case var text when place == 1 && TryRead(text, 86_400, out var seconds):
                    options = options with { Seconds = seconds };
                    place++;
                    break;
                default:
                    return null;
            }
        }

        return (options.Hubs == 1 || options.UsesPostgres) && (options.Pairs == 0 || options.Receipts is not null)
            ? options
            : null;
    }

    private static bool TryRead(string text, int max, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= 1 && value <= max;
}
