using System.Diagnostics;
using System.Text.Json;
using Shoal.Hub;

namespace Shoal.HubBench;

/// <summary>A hub that is measured.</summary>
internal sealed class HubProcess : IDisposable
{
    private readonly Process _process;

    private HubProcess(Process process, HubAddress address) => (_process, Address) = (process, address);

    public HubAddress Address { get; }

    public int Id => _process.Id;

    public static HubProcess Start(string program, string state, string[] options)
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
            .. options,
        ];
        var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        using var line = JsonDocument.Parse(process.StandardOutput.ReadLine() ?? "{}");
        if (
            line.RootElement.TryGetProperty("url", out var url) && HubAddress.TryParse(url.GetString(), out var address)
        )
        {
            // What it says each minute would fill the pipe.
            _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
            return new HubProcess(process, address);
        }

        process.Kill();
        throw new InvalidOperationException("the hub did not start");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }
}
