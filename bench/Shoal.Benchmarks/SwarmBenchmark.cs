using System.Diagnostics;
using System.Globalization;
using Shoal.Engine;
using Shoal.Testing;

namespace Shoal.Benchmarks;

/// <summary>
/// How well real swarms distribute, in virtual time: one origin and N receivers. Prints the last finisher against the
/// bound max(F/u_origin, F/d_min, N·F/(u_origin + Σu)), how many copies the origin uploaded, and why uplinks stood
/// still. The same seed gives the same figures on any machine and with any number of threads.
/// </summary>
internal static class SwarmBenchmark
{
    public static int Run(ReadOnlySpan<string> arguments)
    {
        if (!SwarmArguments.TryParse(arguments, out var parsed))
        {
            Console.Error.WriteLine(SwarmArguments.Usage);
            return 2;
        }

        var results = new List<SwarmResult>();
        for (var run = 0; run < parsed.Runs; run++)
        {
            var options = parsed.Options with { Seed = parsed.Options.Seed + run };
            var result = RunOnce(options, parsed);
            results.Add(result);
            Console.WriteLine(result);
            if (parsed.Plot is { } path && run == 0)
            {
                SwarmPlot.Write(path, result);
            }
        }

        Console.WriteLine(SwarmResult.Median(results));
        return 0;
    }

    private static SwarmResult RunOnce(CrowdOptions options, SwarmArguments parsed)
    {
        var watch = Stopwatch.StartNew();
        var cpu = Process.GetCurrentProcess().TotalProcessorTime;
        var world = new CrowdWorld(options);
        var history = new SwarmHistory(options, parsed.IsVerbose);
        world.AfterSpan = history.Sample;
        var isOver = world.Run(TimeSpan.FromSeconds(options.Bound * parsed.TimeLimit) + options.JoinOver);
        using var process = Process.GetCurrentProcess();
        process.Refresh();
        return SwarmResult.Of(world, history, isOver) with
        {
            WallSeconds = watch.Elapsed.TotalSeconds,
            CpuSeconds = (process.TotalProcessorTime - cpu).TotalSeconds,
            PeakMebibytes = process.PeakWorkingSet64 >> 20,
        };
    }
}

/// <summary>What the command line says.</summary>
internal sealed record SwarmArguments
{
    public const string Usage = """
        usage: Shoal.Benchmarks swarm [OPTION VALUE]...
          --peers N          receivers (16)          --size MIB, --piece KIB  content (64, 256)
          --up, --down MBIT  links of receivers (20); several with commas: dealt out in turn
          --origin MBIT      the origin's uplink (20)
          --delay MS[-MS]    one way (20)            --window KIB  under way on a connection (256)
          --neighbours N     most connections (50)   --tracker N   addresses it gives (30)
          --slots N, --most-slots N  upload slots at least and at most (the engine's)
          --join S           receivers come over so many seconds (all at once)
          --leaving, --dying, --free-riders PERCENT of the receivers (0)
          --super 1          the origin super-seeds
          --seed N, --runs N the first seed (1), and how many (3)
          --threads N        compute on so many (1)  --limit X     give up at X times the bound (10)
          --plot FILE.svg    of the first run  --verbose 1    a line for each half second
        """;

    public required CrowdOptions Options { get; init; }
    public int Runs { get; init; } = 3;
    public double TimeLimit { get; init; } = 10;
    public string? Plot { get; init; }
    public bool IsVerbose { get; init; }

    public static bool TryParse(ReadOnlySpan<string> arguments, out SwarmArguments parsed)
    {
        parsed = null!;
        if (arguments.Length % 2 != 0)
        {
            return false;
        }

        var words = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < arguments.Length; i += 2)
        {
            words[arguments[i]] = arguments[i + 1];
        }

        try
        {
            parsed = Read(words);
            return words.Count == 0;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static SwarmArguments Read(Dictionary<string, string> words)
    {
        double Number(string name, double otherwise) =>
            words.Remove(name, out var text) ? double.Parse(text, CultureInfo.InvariantCulture) : otherwise;
        double[] Numbers(string name, char separator, string otherwise) =>
            [
                .. (words.Remove(name, out var text) ? text : otherwise)
                    .Split(separator)
                    .Select(part => double.Parse(part, CultureInfo.InvariantCulture)),
            ];
        var ups = Numbers("--up", ',', "20");
        var downs = Numbers("--down", ',', "20");
        var delays = Numbers("--delay", '-', "20");
        var limits = SwarmLimits.Default with { MaxPeers = (int)Number("--neighbours", 50), MaxHearsay = 100 };
        limits = limits with
        {
            UploadSlots = (int)Number("--slots", limits.UploadSlots),
            MaxUploadSlots = (int)Number("--most-slots", limits.MaxUploadSlots),
        };
        var options = new CrowdOptions
        {
            Receivers = (int)Number("--peers", 16),
            Size = (long)(Number("--size", 64) * (1 << 20)),
            PieceLength = (int)Number("--piece", 256) << 10,
            OriginUp = Rate(Number("--origin", 20)),
            Links =
            [
                .. Enumerable
                    .Range(0, Math.Max(ups.Length, downs.Length))
                    .Select(i => (Rate(ups[i % ups.Length]), Rate(downs[i % downs.Length]))),
            ],
            LeastDelay = TimeSpan.FromMilliseconds(delays[0]),
            GreatestDelay = TimeSpan.FromMilliseconds(delays[^1]),
            Window = (int)Number("--window", 256) << 10,
            TrackerPeers = (int)Number("--tracker", 30),
            JoinOver = TimeSpan.FromSeconds(Number("--join", 0)),
            Leaving = Number("--leaving", 0) / 100,
            Dying = Number("--dying", 0) / 100,
            FreeRiders = Number("--free-riders", 0) / 100,
            SuperSeeding = Number("--super", 0) != 0,
            Limits = limits,
            Seed = (int)Number("--seed", 1),
            Threads = (int)Number("--threads", 1),
        };
        return new SwarmArguments
        {
            Options = options,
            Runs = (int)Number("--runs", 3),
            TimeLimit = Number("--limit", 10),
            IsVerbose = Number("--verbose", 0) != 0,
            Plot = words.Remove("--plot", out var path) ? path : null,
        };
    }

    private static long Rate(double megabits) => (long)(megabits * 125_000);
}
