using System.Runtime.InteropServices;
using Shoal.Cli;

// The first signal asks for a clean stop; a second one does not wait for it.
using var stop = new CancellationTokenSource();
var host = CliHost.ForProcess();
var hadTerminal = HasTerminal();
PosixSignalRegistration[] signals =
[
    PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
    PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
    PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnHangUp),
];
try
{
    return await ShoalProgram.RunAsync(args, host, stop.Token);
}
finally
{
    Array.ForEach(signals, signal => signal.Dispose());
}

// Sent by a terminal that is closed, and by who wants files read again.
void OnHangUp(PosixSignalContext context)
{
    var isClosed = hadTerminal && !HasTerminal();
    if (!isClosed && !stop.IsCancellationRequested && host.Reload.TryRaise())
    {
        context.Cancel = true;
        return;
    }

    OnSignal(context);
}

void OnSignal(PosixSignalContext context)
{
    if (stop.IsCancellationRequested)
    {
        // The shell that waits sees what it would see from any interrupted program.
        Environment.Exit(ExitCode.Interrupted);
    }

    context.Cancel = true;
    stop.Cancel();
}

static bool HasTerminal()
{
    try
    {
        File.OpenHandle("/dev/tty", FileMode.Open, FileAccess.Read, FileShare.ReadWrite).Dispose();
        return true;
    }
    catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
    {
        return false;
    }
}
