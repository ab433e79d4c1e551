using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Shoal.Daemon;

/// <summary>
/// Tells the service manager how the daemon is (sd_notify): ready, alive, stopping. Does nothing where there is none. What
/// cannot be told is no trouble of ours.
/// </summary>
internal sealed class ServiceNotice : IDisposable
{
    private readonly Socket? _socket;

    private ServiceNotice(Socket? socket, TimeSpan? watchdog)
    {
        _socket = socket;
        WatchdogInterval = watchdog;
    }

    /// <summary>How often it wants to hear that we live; null: it does not.</summary>
    public TimeSpan? WatchdogInterval { get; }

    /// <param name="variable">Reads the environment: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID.</param>
    public static ServiceNotice Connect(Func<string, string?> variable)
    {
        if (variable("NOTIFY_SOCKET") is not { Length: > 1 } path || path[0] is not ('/' or '@'))
        {
            return new ServiceNotice(null, null);
        }

        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            // sd_notify(3): "@" stands for the NUL of a name that is in no file system.
            socket.Connect(new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path));
            return new ServiceNotice(socket, Watchdog(variable));
        }
        catch (Exception error) when (error is SocketException or ArgumentException)
        {
            socket.Dispose();
            return new ServiceNotice(null, null);
        }
    }

    public void Ready(string status) => Send($"READY=1\nSTATUS={status}");

    public void Alive() => Send("WATCHDOG=1");

    public void Stopping() => Send("STOPPING=1");

    public void Dispose() => _socket?.Dispose();

    // sd_watchdog_enabled(3): "it is recommended [...] to send keep-alive notifications every half of the time".
    private static TimeSpan? Watchdog(Func<string, string?> variable)
    {
        var isForUs =
            variable("WATCHDOG_PID") is not { } pid
            || pid == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return
            isForUs
            && long.TryParse(variable("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out var usec)
            && usec is > 0 and < 86_400_000_000
            ? TimeSpan.FromMicroseconds(usec / 2)
            : null;
    }

    private void Send(string message)
    {
        try
        {
            _socket?.Send(Encoding.UTF8.GetBytes(message));
        }
        catch (SocketException)
        {
            // It is gone, or busy: the next word will do.
        }
    }
}
