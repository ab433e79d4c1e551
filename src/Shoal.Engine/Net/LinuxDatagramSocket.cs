using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using static Shoal.Engine.LinuxMessages;

namespace Shoal.Engine;

/// <summary>
/// Many datagrams a system call (recvmmsg, sendmmsg), and where the kernel can, runs of equal ones through the whole
/// network stack as one (UDP_SEGMENT, UDP_GRO): nearly all that a datagram costs is passing through there.
/// </summary>
internal sealed class LinuxDatagramSocket : DatagramSocket
{
    /// <summary>Longest struct sockaddr of ours, that of IPv6.</summary>
    private const int NameSize = 28;

    private const int V4NameSize = 16;

    /// <summary>Messages in one call of sendmmsg: some 3 KB of stack.</summary>
    private const int SendMessages = 32;

    /// <summary>UDP_MAX_SEGMENTS of the kernels that have the least.</summary>
    private const int MaxSegments = 64;

    /// <summary>A run is one packet until it is cut up, and its length must fit into an IP header.</summary>
    private const int MaxRunBytes = 65535 - 40 - 8;

    private readonly bool _isV6;
    private readonly ArraySegment<byte> _memory = PageMemory.Allocate(Slots * SlotSize);
    private readonly byte[] _peek = new byte[1];
    private readonly SocketAddress _peekedAt;
    private readonly byte[] _block;
    private readonly unsafe Header* _incoming;
    private readonly unsafe Control* _controls;
    private ReceivedDatagram[] _batch = new ReceivedDatagram[Slots];

    // Turned off where a device on the way cannot do it.
    private volatile bool _canSegment;

    public unsafe LinuxDatagramSocket(Socket socket, LocalPlace place, bool withRuns)
        : base(socket, place)
    {
        _isV6 = socket.AddressFamily == AddressFamily.InterNetworkV6;
        _peekedAt = new SocketAddress(socket.AddressFamily);
        _canSegment = withRuns && TrySet(socket, UdpSegment, 0);
        if (withRuns)
        {
            TrySet(socket, UdpGro, 1);
        }

        var size = sizeof(Header) + sizeof(Vector) + sizeof(Control) + NameSize;
        _block = GC.AllocateArray<byte>(Slots * size, pinned: true);
        _incoming = (Header*)Marshal.UnsafeAddrOfPinnedArrayElement(_block, 0);
        var vectors = (Vector*)(_incoming + Slots);
        _controls = (Control*)(vectors + Slots);
        var names = (byte*)(_controls + Slots);
        var memory = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_memory.Array!, _memory.Offset);
        for (var i = 0; i < Slots; i++)
        {
            vectors[i] = new Vector { Base = memory + i * SlotSize, Length = SlotSize };
            _incoming[i].Message.Name = names + i * NameSize;
            _incoming[i].Message.Vectors = vectors + i;
            _incoming[i].Message.VectorCount = 1;
            _incoming[i].Message.Control = _controls + i;
        }
    }

    /// <summary>Whether this system has the calls; those for segments are looked for one by one.</summary>
    public static unsafe bool IsSupported(Socket socket)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        try
        {
            // Nothing to take, so nothing is taken.
            return ReceiveMany(socket.SafeHandle, null, 0, DontWait, null) >= 0
                && SendMany(socket.SafeHandle, null, 0, DontWait) >= 0;
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    public override async ValueTask<ReadOnlyMemory<ReceivedDatagram>> ReceiveAsync(CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (Receive() is { Length: > 0 } batch)
            {
                return batch;
            }

            // Peeking waits for a datagram and leaves it to the call above.
            await Socket.ReceiveFromAsync(_peek, SocketFlags.Peek, _peekedAt, cancellation).ConfigureAwait(false);
        }
    }

    public override unsafe int Send(IPEndPoint to, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        var name = stackalloc byte[NameSize];
        var headers = stackalloc Header[SendMessages];
        var vectors = stackalloc Vector[SendMessages];
        var nameLength = WriteName(to, new Span<byte>(name, NameSize));
        // The kernel reads a 16-bit number here.
        var control = new Control
        {
            Length = (nuint)(Control.HeaderSize + sizeof(ushort)),
            Level = SolUdp,
            Type = UdpSegment,
        };
        *(ushort*)&control.Value = (ushort)segmentSize;
        var run = _canSegment ? Math.Clamp(MaxRunBytes / segmentSize, 1, MaxSegments) * segmentSize : segmentSize;
        fixed (byte* bytes = datagrams)
        {
            var done = 0;
            while (done < datagrams.Length)
            {
                var count = 0;
                for (var at = done; at < datagrams.Length && count < SendMessages; count++)
                {
                    var length = Math.Min(run, datagrams.Length - at);
                    vectors[count] = new Vector { Base = bytes + at, Length = (nuint)length };
                    headers[count].Message = new MessageHeader
                    {
                        Name = name,
                        NameLength = (uint)nameLength,
                        Vectors = vectors + count,
                        VectorCount = 1,
                        Control = length > segmentSize ? &control : null,
                        ControlLength = length > segmentSize ? (nuint)sizeof(Control) : 0,
                    };
                    at += length;
                }

                var sent = TrySendMany(headers, count, out var error);
                for (var i = 0; i < sent; i++)
                {
                    done += (int)vectors[i].Length;
                }

                if (sent > 0)
                {
                    continue;
                }

                var first = (int)vectors[0].Length;
                switch (error)
                {
                    case 0:
                    case TryAgain:
                    case NoBuffers:
                        return CountOf(done, segmentSize);
                    case Interrupted:
                        break;
                    // The kernel refuses to cut it up: longer than what the first link takes, or a device that leaves
                    // checksums to us.
                    case InputOutput or InvalidArgument or MessageTooLong when first > segmentSize:
                        _canSegment &= error != InputOutput;
                        run = segmentSize;
                        break;
                    default:
                        // No route, a firewall: to the protocols above it is lost like any other.
                        Lose(CountOf(first, segmentSize));
                        done += first;
                        break;
                }
            }

            return CountOf(done, segmentSize);
        }
    }

    private static int CountOf(int bytes, int segmentSize) => (bytes + segmentSize - 1) / segmentSize;

    private static bool TrySet(Socket socket, int option, int value)
    {
        try
        {
            Span<byte> bytes = stackalloc byte[sizeof(int)];
            BitConverter.TryWriteBytes(bytes, value);
            socket.SetRawSocketOption(SolUdp, option, bytes);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private unsafe int TrySendMany(Header* headers, int count, out int error)
    {
        error = 0;
        try
        {
            var sent = SendMany(Socket.SafeHandle, headers, (uint)count, DontWait);
            error = sent < 0 ? Marshal.GetLastPInvokeError() : 0;
            return sent;
        }
        catch (ObjectDisposedException)
        {
            return 0;
        }
    }

    private unsafe ReadOnlyMemory<ReceivedDatagram> Receive()
    {
        for (var i = 0; i < Slots; i++)
        {
            _incoming[i].Message.NameLength = NameSize;
            _incoming[i].Message.ControlLength = (nuint)sizeof(Control);
        }

        var messages = ReceiveMany(Socket.SafeHandle, _incoming, Slots, DontWait, null);
        var count = 0;
        for (var i = 0; i < messages; i++)
        {
            var length = (int)_incoming[i].Length;
            if ((_incoming[i].Message.Flags & Truncated) != 0 || _incoming[i].Message.NameLength < V4NameSize)
            {
                continue;
            }

            var source = Sources.Find(new ReadOnlySpan<byte>(_incoming[i].Message.Name, NameSize));
            var segment = SegmentOf(i, length);
            EnsureRoom(count + CountOf(length, segment));
            for (var at = 0; at < length; at += segment)
            {
                _batch[count++] = new ReceivedDatagram(
                    source,
                    _memory.AsMemory(i * SlotSize + at, Math.Min(segment, length - at))
                );
            }
        }

        return _batch.AsMemory(0, count);
    }

    /// <summary>Where the kernel put datagrams together: how long each of them is, the last may be shorter.</summary>
    private unsafe int SegmentOf(int message, int length)
    {
        var control = _controls + message;
        var isRun =
            _incoming[message].Message.ControlLength >= (nuint)Control.HeaderSize + sizeof(int)
            && control->Level == SolUdp
            && control->Type == UdpGro;
        return isRun && control->Value > 0 ? control->Value : Math.Max(length, 1);
    }

    private void EnsureRoom(int count)
    {
        if (count > _batch.Length)
        {
            Array.Resize(ref _batch, Math.Max(count, 2 * _batch.Length));
        }
    }

    private int WriteName(IPEndPoint to, Span<byte> name)
    {
        // struct sockaddr_in or sockaddr_in6: family in the machine's order, then the port in the network's.
        name.Clear();
        var isV6 = to.AddressFamily == AddressFamily.InterNetworkV6;
        BitConverter.TryWriteBytes(name, (ushort)(isV6 ? 10 : 2));
        BinaryPrimitives.WriteUInt16BigEndian(name[2..], (ushort)to.Port);
        to.Address.TryWriteBytes(name[(isV6 ? 8 : 4)..], out _);
        if (!isV6)
        {
            return V4NameSize;
        }

        BitConverter.TryWriteBytes(name[24..], (uint)to.Address.ScopeId);
        return NameSize;
    }
}
