using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Shoal.Hub;

namespace Shoal.HubBench;

/// <summary>The hub that is measured.</summary>
internal sealed class HubProcess : IDisposable
{
    private readonly Process _process;

    private HubProcess(Process process, HubAddress address) => (_process, Address) = (process, address);

    public HubAddress Address { get; }

    public static HubProcess Start(string program, string state)
    {
        string[] arguments =
        [
            "hub",
            "--listen",
            "127.0.0.1:0",
            "--host",
            "127.0.0.1",
            "--state",
            state,
            "--announce-interval",
            "60s",
            "--json",
        ];
        var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        using var line = JsonDocument.Parse(process.StandardOutput.ReadLine() ?? "{}");
        return HubAddress.TryParse(line.RootElement.GetProperty("url").GetString(), out var address)
            ? new HubProcess(process, address)
            : throw new InvalidOperationException("the hub did not start");
    }

    /// <summary>Does it, and prints what it took: time, the hub's processor time, and its memory afterwards.</summary>
    public async Task MeasureAsync(string what, Func<Task> work)
    {
        _process.Refresh();
        var before = _process.TotalProcessorTime;
        var clock = Stopwatch.StartNew();
        await work();
        var elapsed = clock.Elapsed;
        _process.Refresh();
        var used = _process.TotalProcessorTime - before;
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{what}: {elapsed.TotalSeconds:F1} s, hub used {used.TotalSeconds:F1} s of processor time "
                    + $"({used / elapsed:P0} of a core), {_process.WorkingSet64 >> 20} MiB resident"
            )
        );
    }

    public void Stop()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }
    }

    public void Dispose() => _process.Dispose();
}
