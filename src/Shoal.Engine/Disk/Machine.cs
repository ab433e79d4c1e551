namespace Shoal.Engine;

/// <summary>What tells one start of the machine from the next.</summary>
internal static class Machine
{
    /// <summary>Changes with every start; empty where the system has no such thing.</summary>
    public static Guid BootId { get; } = ReadBootId();

    /// <summary>Time since the start.</summary>
    public static TimeSpan Uptime => TimeSpan.FromMilliseconds(Environment.TickCount64);

    private static Guid ReadBootId()
    {
        try
        {
            return Guid.TryParse(File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(), out var id) ? id : default;
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            return default;
        }
    }
}
