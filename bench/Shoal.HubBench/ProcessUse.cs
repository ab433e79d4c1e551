using System.Globalization;

namespace Shoal.HubBench;

/// <summary>What a process has used, with its children: a database has one for each connection.</summary>
/// <param name="Processor">User and system time, of children that have ended too.</param>
/// <param name="Memory">Bytes that are resident; what several share is counted once.</param>
internal readonly record struct ProcessUse(TimeSpan Processor, long Memory)
{
    // USER_HZ, which Linux has told programs for decades, whatever its own clock does.
    private const int TicksPerSecond = 100;

    public static ProcessUse Of(int id)
    {
        var ticks = 0L;
        var memory = 0L;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (
                int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var one)
                && Fields(folder) is { } fields
                && (one == id || Number(fields[1]) == id)
            )
            {
                // utime, stime; and of the first one also what its children used that have ended.
                ticks += fields[11..(one == id ? 15 : 13)].Sum(Number);
                memory += MemoryOf(folder);
            }
        }

        return new ProcessUse(TimeSpan.FromSeconds((double)ticks / TicksPerSecond), memory);
    }

    /// <summary>Of /proc/PID/stat from the state on, which is the third; null: it has ended.</summary>
    private static string[]? Fields(string folder)
    {
        try
        {
            // The name before may have blanks and parentheses in it.
            var text = File.ReadAllText(Path.Combine(folder, "stat"));
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static long MemoryOf(string folder)
    {
        try
        {
            var line = File.ReadLines(Path.Combine(folder, "smaps_rollup"))
                .First(text => text.StartsWith("Pss:", StringComparison.Ordinal));
            return Number(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) * 1024;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            return 0;
        }
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
