using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Shoal.Tracker;

/// <summary>
/// Up to 64 datagrams with one system call each way (recvmmsg, sendmmsg): the calls are most of what a UDP tracker
/// costs.
/// </summary>
internal sealed unsafe partial class LinuxDatagramBatch : DatagramBatch
{
    private const int Capacity = 64;
    private const int NameSize = 28;
    private const int DontWait = 0x40;
    private const int WaitForOne = 0x10000;
    private const int BothWays = 2;
    private const int V4NameSize = 16;

    private readonly Socket _socket;
    private readonly int _descriptor;
    private readonly bool _isV6;
    private readonly Header* _incoming;
    private readonly Header* _outgoing;
    private readonly int[] _replyLengths = new int[Capacity];
    private void* _memory;
    private int _count;

    public LinuxDatagramBatch(Socket socket)
    {
        _socket = socket;
        _descriptor = (int)socket.Handle;
        _isV6 = socket.AddressFamily == AddressFamily.InterNetworkV6;
        const int perDatagram = MaxDatagram + UdpTrackerHandler.MaxReply + 32;
        var size = (nuint)(Capacity * (perDatagram + 2 * (sizeof(Header) + sizeof(Vector))));
        _memory = NativeMemory.AllocZeroed(size);
        _incoming = (Header*)_memory;
        _outgoing = _incoming + Capacity;
        var vectors = (Vector*)(_outgoing + Capacity);
        var bytes = (byte*)(vectors + 2 * Capacity);
        for (var i = 0; i < Capacity; i++)
        {
            var name = bytes + i * perDatagram;
            vectors[i] = new Vector { Base = name + 32, Length = MaxDatagram };
            vectors[Capacity + i] = new Vector { Base = name + 32 + MaxDatagram };
            _incoming[i].Message.Name = name;
            _incoming[i].Message.Vectors = vectors + i;
            _incoming[i].Message.VectorCount = 1;
            _outgoing[i].Message.VectorCount = 1;
        }
    }

    public override int Receive()
    {
        for (var i = 0; i < Capacity; i++)
        {
            _incoming[i].Message.NameLength = NameSize;
            _replyLengths[i] = 0;
        }

        _count = Math.Max(ReceiveMany(_descriptor, _incoming, Capacity, WaitForOne, null), 0);
        return _count;
    }

    // Linux wakes whoever waits, although it says ENOTCONN: a datagram socket has no other end.
    public override void Stop() => _ = Shutdown(_descriptor, BothWays);

    public override ReadOnlySpan<byte> Datagram(int number) =>
        new(_incoming[number].Message.Vectors->Base, (int)_incoming[number].Length);

    // sockaddr_in: family, port, address at 4; sockaddr_in6: family, port, flow, address at 8.
    public override PeerAddress From(int number) =>
        _isV6
            ? PeerAddress.From(new ReadOnlySpan<byte>(_incoming[number].Message.Name + 8, 16))
            : PeerAddress.From(new ReadOnlySpan<byte>(_incoming[number].Message.Name + 4, 4));

    public override Span<byte> Reply(int number) =>
        new(_incoming[number].Message.Vectors[Capacity].Base, UdpTrackerHandler.MaxReply);

    public override void SetReply(int number, int length) => _replyLengths[number] = length;

    public override void Send()
    {
        var replies = 0;
        for (var i = 0; i < _count; i++)
        {
            if (_replyLengths[i] == 0)
            {
                continue;
            }

            var vector = _incoming[i].Message.Vectors + Capacity;
            vector->Length = (nuint)_replyLengths[i];
            _outgoing[replies].Message.Name = _incoming[i].Message.Name;
            _outgoing[replies].Message.NameLength = (uint)(_isV6 ? NameSize : V4NameSize);
            _outgoing[replies].Message.Vectors = vector;
            replies++;
        }

        for (var sent = 0; sent < replies; )
        {
            var now = SendMany(_descriptor, _outgoing + sent, (uint)(replies - sent), DontWait);
            // One that cannot be sent stops the call: it is lost, those behind it are not.
            sent += Math.Max(now, 1);
        }
    }

    public override void Dispose()
    {
        NativeMemory.Free(_memory);
        _memory = null;
        GC.KeepAlive(_socket);
    }

    [LibraryImport("libc", EntryPoint = "recvmmsg")]
    private static partial int ReceiveMany(int socket, Header* messages, uint count, int flags, void* timeout);

    [LibraryImport("libc", EntryPoint = "sendmmsg")]
    private static partial int SendMany(int socket, Header* messages, uint count, int flags);

    [LibraryImport("libc", EntryPoint = "shutdown")]
    private static partial int Shutdown(int socket, int how);

    /// <summary>struct mmsghdr: a struct msghdr and how long the datagram was.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Header
    {
        public MessageHeader Message;
        public uint Length;
    }

    /// <summary>struct msghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public byte* Name;
        public uint NameLength;
        public Vector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Vector
    {
        public byte* Base;
        public nuint Length;
    }
}
