using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>One datagram a system call, by what every system has.</summary>
internal sealed class PortableDatagramSocket(Socket socket, LocalPlace place) : DatagramSocket(socket, place)
{
    private readonly byte[] _memory = GC.AllocateUninitializedArray<byte>(Slots * SlotSize);
    private readonly ReceivedDatagram[] _batch = new ReceivedDatagram[Slots];
    private readonly SocketAddress _source = new(socket.AddressFamily);

    public override async ValueTask<ReadOnlyMemory<ReceivedDatagram>> ReceiveAsync(CancellationToken cancellation)
    {
        var length = await Socket
            .ReceiveFromAsync(_memory.AsMemory(0, SlotSize), SocketFlags.None, _source, cancellation)
            .ConfigureAwait(false);
        Take(0, length);
        var count = 1;
        try
        {
            // What else is here already comes along.
            while (count < Slots && Socket.Available > 0)
            {
                length = Socket.ReceiveFrom(_memory.AsSpan(count * SlotSize, SlotSize), SocketFlags.None, _source);
                Take(count, length);
                count++;
            }
        }
        catch (SocketException)
        {
            // Windows tells here of datagrams that nobody took.
        }

        return _batch.AsMemory(0, count);
    }

    public override int Send(IPEndPoint to, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        var taken = 0;
        SocketAddress? address = null;
        for (var at = 0; at < datagrams.Length; at += segmentSize)
        {
            var datagram = datagrams.Slice(at, Math.Min(segmentSize, datagrams.Length - at));
            try
            {
                address ??= to.Serialize();
                Socket.SendTo(datagram, SocketFlags.None, address);
            }
            catch (SocketException exception)
                when (exception.SocketErrorCode is SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable)
            {
                break;
            }
            catch (SocketException)
            {
                // No route, a firewall: to the protocols above it is a lost datagram like any other.
                Lose(1);
            }
            catch (ObjectDisposedException)
            {
                break;
            }

            taken++;
        }

        return taken;
    }

    private void Take(int slot, int length) =>
        _batch[slot] = new ReceivedDatagram(
            Sources.Find(_source.Buffer.Span[.._source.Size]),
            _memory.AsMemory(slot * SlotSize, length)
        );
}
