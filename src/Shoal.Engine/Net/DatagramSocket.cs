using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>How datagrams pass through the system, best first; what is not there, the next one stands in for.</summary>
internal enum DatagramCalls
{
    /// <summary>Runs of equal datagrams as one, and many runs a call (Linux).</summary>
    Runs,

    /// <summary>Many datagrams a call (Linux).</summary>
    Many,

    /// <summary>One datagram a call.</summary>
    One,
}

/// <summary>
/// One UDP socket, several datagrams a call. One receiver; any number of senders. Made by <see cref="Open"/>, which
/// chooses the quickest kind that the system has.
/// </summary>
internal abstract class DatagramSocket : IDisposable
{
    /// <summary>
    /// Reads at once. With <see cref="SlotSize"/> it bounds the memory of a socket to 1 MiB of address space, of which
    /// only pages that datagrams have been in are real: a few for the short ones of the DHT.
    /// </summary>
    protected const int Slots = 16;

    /// <summary>No datagram is longer, and no run of datagrams that came in as one.</summary>
    protected const int SlotSize = 64 * 1024;

    // Linux' numbers; others are the framework's.
    private const int SolIp = 0;
    private const int SolIpv6 = 41;
    private const int IpMtuDiscover = 10;
    private const int Ipv6MtuDiscover = 23;
    private const int IpMtu = 14;
    private const int Ipv6Mtu = 24;
    private const int DiscoverWant = 1;
    private const int DiscoverProbe = 3;
    private const int WindowsIpv6DontFragment = 14;
    private const int AppleIpv6DontFragment = 62;

    // Room for a burst while the process does something else; the system may give less.
    private const int ReceiveRoom = 4 * 1024 * 1024;

    // A megabyte is 8 ms at 1 Gbit/s: enough to keep the line busy, and little to wait behind.
    private const int SendRoom = 1024 * 1024;

    private readonly LocalPlace _place;
    private readonly Lock _probing = new();
    private long _lost;

    protected DatagramSocket(Socket socket, LocalPlace place)
    {
        Socket = socket;
        _place = place;
        LocalEndPoint = (IPEndPoint)socket.LocalEndPoint!;
        Sources = new SourceCache(socket.AddressFamily);
    }

    public IPEndPoint LocalEndPoint { get; }

    /// <summary>Datagrams that left us and could not leave the machine: no route, a firewall, a device that is gone.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Whether more can be sent now.</summary>
    public bool HasRoom
    {
        get
        {
            try
            {
                return Socket.Poll(0, SelectMode.SelectWrite);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // The next send tells what is wrong.
                return true;
            }
        }
    }

    protected Socket Socket { get; }

    protected SourceCache Sources { get; }

    /// <param name="place">Where.</param>
    /// <param name="port">0: any.</param>
    /// <param name="best">Not to be exceeded, even if the system could.</param>
    /// <exception cref="SocketException">The place cannot be had, or the port is taken.</exception>
    public static DatagramSocket Open(LocalPlace place, int port, DatagramCalls best = DatagramCalls.Runs)
    {
        var socket = LocalBinding.Open(place, SocketType.Dgram, port);
        try
        {
            socket.Blocking = false;
            socket.ReceiveBufferSize = ReceiveRoom;
            socket.SendBufferSize = SendRoom;
            return best != DatagramCalls.One && LinuxDatagramSocket.IsSupported(socket)
                ? new LinuxDatagramSocket(socket, place, best == DatagramCalls.Runs)
                : new PortableDatagramSocket(socket, place);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Waits for datagrams, and takes those that are there. They are good until the next call.</summary>
    /// <exception cref="OperationCanceledException">The owner stops.</exception>
    /// <exception cref="SocketException">Nothing came in but an error; the next call is as good as the first.</exception>
    public abstract ValueTask<ReadOnlyMemory<ReceivedDatagram>> ReceiveAsync(CancellationToken cancellation);

    /// <inheritdoc cref="IDatagramPort.Send"/>
    public abstract int Send(IPEndPoint to, ReadOnlySpan<byte> datagrams, int segmentSize);

    /// <inheritdoc cref="IDatagramPort.Probe"/>
    public ProbeOutcome Probe(IPEndPoint to, ReadOnlySpan<byte> datagram)
    {
        // The setting is the socket's: what others send meanwhile is not cut up either, which a short time long only
        // matters to what is too long for the first link anyway.
        lock (_probing)
        {
            try
            {
                if (!TrySetWhole(true))
                {
                    return ProbeOutcome.TooLong;
                }

                return Socket.SendTo(datagram, SocketFlags.None, to) == datagram.Length
                    ? ProbeOutcome.Sent
                    : ProbeOutcome.NotSent;
            }
            catch (SocketException exception)
            {
                return exception.SocketErrorCode == SocketError.MessageSize
                    ? ProbeOutcome.TooLong
                    : ProbeOutcome.NotSent;
            }
            catch (ObjectDisposedException)
            {
                return ProbeOutcome.NotSent;
            }
            finally
            {
                TrySetWhole(false);
            }
        }
    }

    /// <inheritdoc cref="IDatagramPort.MaxDatagram"/>
    public int MaxDatagram(IPAddress to)
    {
        if (!OperatingSystem.IsLinux() || to.AddressFamily != Socket.AddressFamily)
        {
            return 0;
        }

        try
        {
            // Connecting sends nothing: it asks the routes.
            using var socket = LocalBinding.Open(_place, SocketType.Dgram, null);
            socket.Connect(to, LocalEndPoint.Port);
            Span<byte> mtu = stackalloc byte[sizeof(int)];
            var isV4 = to.AddressFamily == AddressFamily.InterNetwork;
            socket.GetRawSocketOption(isV4 ? SolIp : SolIpv6, isV4 ? IpMtu : Ipv6Mtu, mtu);
            var headers = isV4 ? 20 + 8 : 40 + 8;
            // The length of an IPv4 packet has 16 bits; loopback would take more.
            return Math.Min(BitConverter.ToInt32(mtu), ushort.MaxValue) - headers;
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    public void Dispose() => Socket.Dispose();

    /// <summary>Counts datagrams that nobody will see.</summary>
    protected void Lose(int datagrams) => Interlocked.Add(ref _lost, datagrams);

    /// <summary>Whether datagrams leave whole or not at all; false when the system has no such setting.</summary>
    private bool TrySetWhole(bool whole)
    {
        var isV4 = Socket.AddressFamily == AddressFamily.InterNetwork;
        try
        {
            if (OperatingSystem.IsLinux())
            {
                // "Probe" also takes no notice of what the system believes about the path.
                Set(
                    isV4 ? SolIp : SolIpv6,
                    isV4 ? IpMtuDiscover : Ipv6MtuDiscover,
                    whole ? DiscoverProbe : DiscoverWant
                );
            }
            else if (isV4)
            {
                Socket.DontFragment = whole;
            }
            else
            {
                Set(
                    SolIpv6,
                    OperatingSystem.IsWindows() ? WindowsIpv6DontFragment : AppleIpv6DontFragment,
                    whole ? 1 : 0
                );
            }

            return true;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private void Set(int level, int name, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BitConverter.TryWriteBytes(bytes, value);
        Socket.SetRawSocketOption(level, name, bytes);
    }
}
