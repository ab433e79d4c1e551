using System.Runtime.InteropServices;
using Shoal.Cli;

// The first signal asks for a clean stop; a second one does not wait for it.
using var stop = new CancellationTokenSource();
PosixSignalRegistration[] signals =
[
    PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
    PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
    PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnSignal),
];
try
{
    return await ShoalProgram.RunAsync(args, CliHost.ForProcess(), stop.Token);
}
finally
{
    Array.ForEach(signals, signal => signal.Dispose());
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
