using System.Diagnostics;

namespace Shoal.InteropTests;

/// <summary>A child process, what it has said so far, and its end by pid.</summary>
internal sealed class ClientProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Lock _gate = new();
    private readonly List<string> _lines = [];
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ClientProcess(string name, ProcessStartInfo start)
    {
        Name = name;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, e) => Add(e.Data);
        _process.ErrorDataReceived += (_, e) => Add(e.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        _process.StandardInput.Close();
    }

    public string Name { get; }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>Everything printed so far, both streams.</summary>
    public string[] Lines
    {
        get
        {
            lock (_gate)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>Waits for a line; fails the test with the last lines if the time or the process ends first.</summary>
    public async Task<string> WaitForLineAsync(Func<string, bool> wanted, TimeSpan patience)
    {
        var clock = Stopwatch.StartNew();
        var read = 0;
        while (true)
        {
            Task news;
            lock (_gate)
            {
                for (; read < _lines.Count; read++)
                {
                    if (wanted(_lines[read]))
                    {
                        return _lines[read];
                    }
                }
                news = _news.Task;
            }
            var left = patience - clock.Elapsed;
            if (left <= TimeSpan.Zero)
            {
                throw Failure($"said nothing of what was awaited within {patience.TotalSeconds:0} s");
            }
            if (HasExited && _process.WaitForExit(TimeSpan.FromSeconds(1)) && news == _news.Task && !news.IsCompleted)
            {
                throw Failure($"ended with exit code {ExitCode}");
            }
            // The short wait is for an end without a last word.
            await Task.WhenAny(news, Task.Delay(TimeSpan.FromMilliseconds(250)));
        }
    }

    /// <summary>Waits for the end by itself.</summary>
    public async Task<int> WaitForExitAsync(TimeSpan patience)
    {
        using var deadline = new CancellationTokenSource(patience);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw Failure($"did not end within {patience.TotalSeconds:0} s");
        }
        return _process.ExitCode;
    }

    /// <summary>Asks it to end, and insists after some seconds.</summary>
    public async Task StopAsync(int signal = Signals.Terminate)
    {
        if (!HasExited)
        {
            Signals.Send(Id, signal);
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            try
            {
                await _process.WaitForExitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                await KillAsync();
            }
        }
    }

    /// <summary>Ends it as a power cut would.</summary>
    public async Task KillAsync()
    {
        Signals.Send(Id, Signals.Kill);
        await _process.WaitForExitAsync();
    }

    /// <summary>A test failure that shows what the process said last; of its reports of progress only the last.</summary>
    public Exception Failure(string what)
    {
        var lines = Lines;
        var progress = Array.FindLastIndex(lines, IsProgress);
        var shown = lines.Where((line, i) => line.Length > 0 && (i == progress || !IsProgress(line))).TakeLast(40);
        return new Xunit.Sdk.XunitException($"{Name} {what}. It said:\n  {string.Join("\n  ", shown)}");

        static bool IsProgress(string line) => line.Contains("\"progress\"", StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        if (!HasExited)
        {
            await KillAsync();
        }
        _process.Dispose();
    }

    private void Add(string? line)
    {
        if (line is null)
        {
            return;
        }
        lock (_gate)
        {
            _lines.Add(line);
            _news.TrySetResult();
            _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
