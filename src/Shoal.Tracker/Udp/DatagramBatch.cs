using System.Net;
using System.Net.Sockets;

namespace Shoal.Tracker;

/// <summary>
/// Several datagrams at a time in and out of one socket. Filled by <see cref="Receive"/>; each datagram may be
/// given one reply, and <see cref="Send"/> sends them. Used by one loop.
/// </summary>
internal abstract class DatagramBatch : IDisposable
{
    /// <summary>Longest datagram read: an announce with a full URL is 1,132 bytes, a scrape of 74 is 1,496.</summary>
    public const int MaxDatagram = 2048;

    /// <summary>The quickest kind this system has.</summary>
    public static DatagramBatch Create(Socket socket) =>
        OperatingSystem.IsLinux() ? new LinuxDatagramBatch(socket) : new PlainDatagramBatch(socket);

    /// <summary>
    /// Waits for a datagram, takes with it what else is there, and says how many; 0: the system refused, or it was stopped.
    /// </summary>
    /// <exception cref="ObjectDisposedException">Stopped, where the system tells so.</exception>
    public abstract int Receive();

    /// <summary>Ends the waiting, from another thread: the socket is of no use any more.</summary>
    public abstract void Stop();

    public abstract ReadOnlySpan<byte> Datagram(int number);

    public abstract PeerAddress From(int number);

    /// <summary>Room for the reply to a datagram.</summary>
    public abstract Span<byte> Reply(int number);

    public abstract void SetReply(int number, int length);

    /// <summary>Sends the replies; what the network does not take is lost, as datagrams may be.</summary>
    public abstract void Send();

    public abstract void Dispose();
}

/// <summary>One datagram at a time, by what every system has.</summary>
internal sealed class PlainDatagramBatch(Socket socket) : DatagramBatch
{
    private readonly byte[] _datagram = new byte[MaxDatagram];
    private readonly byte[] _reply = new byte[UdpTrackerHandler.MaxReply];
    private readonly SocketAddress _from = new(socket.AddressFamily);
    private int _length;
    private int _replyLength;

    public override int Receive()
    {
        _length = 0;
        _replyLength = 0;
        try
        {
            _length = socket.ReceiveFrom(_datagram, SocketFlags.None, _from);
        }
        catch (SocketException exception)
            when (exception.SocketErrorCode is SocketError.ConnectionReset or SocketError.MessageSize)
        {
            // Windows reports here that an earlier reply found nobody, or that a datagram is too long: no reason to pause.
        }
        catch (SocketException)
        {
            return 0;
        }

        return 1;
    }

    public override void Stop() => socket.Dispose();

    public override ReadOnlySpan<byte> Datagram(int number) => _datagram.AsSpan(0, _length);

    public override PeerAddress From(int number)
    {
        var any = new IPEndPoint(
            socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any,
            0
        );
        return PeerAddress.From(((IPEndPoint)any.Create(_from)).Address);
    }

    public override Span<byte> Reply(int number) => _reply;

    public override void SetReply(int number, int length) => _replyLength = length;

    public override void Send()
    {
        if (_replyLength == 0)
        {
            return;
        }

        try
        {
            socket.SendTo(_reply.AsSpan(0, _replyLength), SocketFlags.None, _from);
        }
        catch (SocketException)
        {
            // A datagram may be lost on the way too: who asked asks again.
        }
    }

    public override void Dispose() { }
}
