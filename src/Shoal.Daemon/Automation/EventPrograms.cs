using System.ComponentModel;
using System.Diagnostics;
using System.Threading.Channels;

namespace Shoal.Daemon;

/// <summary>
/// Runs the programs that the settings name when something happens to a torrent. At most once for each event, and only for
/// events of this run; so many at a time, each for so long.
/// </summary>
internal sealed class EventPrograms(SettingsStore settings, TorrentLibrary library, TimeProvider time)
{
    /// <summary>Events that wait for their program; beyond it they are told of and dropped. Default 1,000.</summary>
    private const int MaxWaiting = 1000;

    /// <summary>Characters of what a failed program wrote to its standard error that are told.</summary>
    private const int MaxComplaint = 500;

    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(300);

    private readonly Channel<ProgramCall> _waiting = Channel.CreateBounded<ProgramCall>(
        new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.Wait }
    );

    /// <summary>Reads events from now on, until it is told to stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var atOnce = (int)(long)settings.Current["events.at-once"];
        var workers = Enumerable.Range(0, atOnce).Select(_ => WorkAsync(stop)).ToList();
        var (after, seen) = (library.Events.LastId, long.MaxValue);
        try
        {
            while (true)
            {
                (var events, after, _) = await library.Events.ReadAsync(after, seen, stop).ConfigureAwait(false);
                foreach (var happening in events)
                {
                    if (
                        EventProgram.SettingOf(happening.Kind) is { } key
                        && settings.Current[key] is string[] { Length: > 0 } command
                        && happening.Torrent is { } id
                        && library.TryFindExact(id) is { } torrent
                    )
                    {
                        var call = EventProgram.Create(
                            command,
                            torrent.Entry,
                            happening.Kind,
                            happening.Message,
                            TorrentItems.TopOf(torrent)
                        );
                        if (!_waiting.Writer.TryWrite(call))
                        {
                            library.Warn("program-failed", $"too many events wait: '{call.Program}' was not run");
                        }
                    }
                }
            }
        }
        finally
        {
            _waiting.Writer.TryComplete();
            await Task.WhenAll(workers).ConfigureAwait(false);
        }
    }

    private async Task WorkAsync(CancellationToken stop)
    {
        try
        {
            await foreach (var call in _waiting.Reader.ReadAllAsync(stop).ConfigureAwait(false))
            {
                await RunAsync(call, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
    }

    private async Task RunAsync(ProgramCall call, CancellationToken stop)
    {
        var start = new ProcessStartInfo(call.Program)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        foreach (var argument in call.Arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in call.Environment)
        {
            start.Environment[name] = value;
        }

        // The service manager's words are for the daemon only.
        foreach (var name in new[] { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "CREDENTIALS_DIRECTORY" })
        {
            start.Environment.Remove(name);
        }

        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            await WatchAsync(process, call.Program, stop).ConfigureAwait(false);
        }
        catch (Exception error) when (error is Win32Exception or IOException or InvalidOperationException)
        {
            library.Warn("program-failed", $"'{call.Program}' cannot be run: {error.Message}");
        }
    }

    private async Task WatchAsync(Process process, string program, CancellationToken stop)
    {
        var seconds = (long)settings.Current["events.time-limit"];
        using var alarm = new CancellationTokenSource(TimeSpan.FromSeconds(seconds), time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop, alarm.Token);
        var drained = DrainAsync(process.StandardOutput, limit.Token);
        var complaint = DrainAsync(process.StandardError, limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            End(process, program);
            await limit.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(drained, complaint).ConfigureAwait(false);
            if (!stop.IsCancellationRequested)
            {
                library.Warn("program-failed", $"'{program}' took longer than {seconds} seconds and was ended");
            }

            return;
        }

        // What it wrote last may still be on its way; but children in the background may hold the pipes, and nobody waits
        // for those.
        await Task.WhenAny(Task.WhenAll(drained, complaint), Task.Delay(Grace, time, stop)).ConfigureAwait(false);
        await limit.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(drained, complaint).ConfigureAwait(false);
        if (process.ExitCode != 0)
        {
            var said = await complaint.ConfigureAwait(false);
            library.Warn(
                "program-failed",
                $"'{program}' ended with {process.ExitCode}{(said.Length > 0 ? ": " + said : "")}"
            );
        }
    }

    private void End(Process process, string program)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception error) when (error is AggregateException or Win32Exception or InvalidOperationException)
        {
            // It has children of another user.
            library.Warn("program-failed", $"'{program}' cannot be ended: {error.Message}");
        }
    }

    /// <summary>Reads to the end, and keeps the beginning.</summary>
    private static async Task<string> DrainAsync(StreamReader reader, CancellationToken stop)
    {
        var buffer = new char[1024];
        var kept = "";
        try
        {
            int count;
            while ((count = await reader.ReadAsync(buffer, stop).ConfigureAwait(false)) > 0)
            {
                if (kept.Length < MaxComplaint)
                {
                    kept += new string(buffer, 0, Math.Min(count, MaxComplaint - kept.Length));
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or IOException)
        {
            // What came is enough.
        }

        return string.Concat(kept.Select(c => char.IsControl(c) ? ' ' : c)).Trim();
    }
}
