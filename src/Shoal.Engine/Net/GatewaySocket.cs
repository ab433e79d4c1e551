using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Datagrams to and from one gateway, and its announcements to everybody. What others send is never seen: the socket is
/// connected, and announcements are taken from the gateway's own address and port only.
/// </summary>
internal sealed class GatewaySocket : IDisposable
{
    private static readonly IPAddress AllNodes = IPAddress.Parse("ff02::1");

    private readonly IPEndPoint _gateway;
    private readonly Socket _socket;
    private readonly Socket? _announcements;
    private readonly byte[] _answer = new byte[Pcp.MaxMessage];
    private readonly byte[] _announcement = new byte[Pcp.MaxMessage];
    private Task<SocketReceiveFromResult>? _announced;
    private readonly CancellationTokenSource _stop = new();

    /// <exception cref="SocketException">The local address is not ours any more.</exception>
    public GatewaySocket(Gateway gateway, LocalBinding binding)
    {
        _gateway = new IPEndPoint(gateway.Address, Pcp.Port);
        _socket = binding.Open(gateway.Address.AddressFamily, SocketType.Dgram, gateway.Local);
        try
        {
            _socket.Connect(_gateway);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }

        _announcements = Listen(gateway.Address, binding);
    }

    public void Send(byte[] datagram)
    {
        try
        {
            _socket.Send(datagram);
        }
        catch (SocketException)
        {
            // Lost, as datagrams are.
        }
    }

    /// <summary>The next datagram of the gateway; empty when the time is over, or nothing sensible came.</summary>
    public async Task<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var answer = ReceiveAnswerAsync(over.Token);
        _announced ??= _announcements
            ?.ReceiveFromAsync(
                _announcement,
                SocketFlags.None,
                DatagramReceiver.Anybody(_gateway.AddressFamily),
                _stop.Token
            )
            .AsTask();
        if (_announced is null || await Task.WhenAny(answer, _announced).ConfigureAwait(false) == answer)
        {
            return await answer.ConfigureAwait(false);
        }

        await over.CancelAsync().ConfigureAwait(false);
        var announced = await TakeAnnouncementAsync().ConfigureAwait(false);
        var late = await answer.ConfigureAwait(false);
        return late.IsEmpty ? announced : late;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _socket.Dispose();
        _announcements?.Dispose();
        _stop.Dispose();
    }

    private async Task<ReadOnlyMemory<byte>> ReceiveAnswerAsync(CancellationToken cancellation)
    {
        try
        {
            var count = await _socket.ReceiveAsync(_answer, SocketFlags.None, cancellation).ConfigureAwait(false);
            return _answer.AsMemory(0, count);
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // Nothing came, or word that nobody is there.
            return default;
        }
    }

    private async Task<ReadOnlyMemory<byte>> TakeAnnouncementAsync()
    {
        var task = _announced!;
        _announced = null;
        try
        {
            var received = await task.ConfigureAwait(false);
            return received.RemoteEndPoint is IPEndPoint from && from.Equals(_gateway)
                ? _announcement.AsMemory(0, received.ReceivedBytes)
                : default;
        }
        catch (SocketException)
        {
            return default;
        }
    }

    // Null where another program has the port for itself, or where we may not listen to everybody: then a restart shows
    // with the next renewal.
    private static Socket? Listen(IPAddress gateway, LocalBinding binding)
    {
        var places = binding.Places.Where(place =>
            place.IsAnyAddress && place.Address.AddressFamily == gateway.AddressFamily
        );
        if (places.FirstOrDefault() is not { Address: not null } open)
        {
            return null;
        }

        var socket = LocalBinding.Open(open, SocketType.Dgram, null);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            if (gateway.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.SetSocketOption(
                    SocketOptionLevel.IPv6,
                    SocketOptionName.AddMembership,
                    new IPv6MulticastOption(AllNodes, gateway.ScopeId)
                );
            }

            socket.Bind(new IPEndPoint(DatagramReceiver.Anybody(gateway.AddressFamily).Address, Pcp.AnnouncementPort));
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }
}
