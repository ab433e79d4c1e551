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

    /// <summary>Takes what is there without waiting, and says how many.</summary>
    public abstract int Receive();

    /// <summary>Whether <see cref="Receive"/> has filled the batch, so that more may be waiting.</summary>
    public abstract bool IsFull { get; }

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

    public override bool IsFull => _length > 0;

    public override int Receive()
    {
        _length = 0;
        _replyLength = 0;
        try
        {
            if (socket.Available > 0)
            {
                _length = socket.ReceiveFrom(_datagram, SocketFlags.None, _from);
            }
        }
        catch (SocketException)
        {
            // Windows reports here that an earlier reply found nobody; too long datagrams end here too.
        }

        return _length > 0 ? 1 : 0;
    }

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
