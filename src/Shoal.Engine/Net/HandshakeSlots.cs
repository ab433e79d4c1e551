using System.Net;

namespace Shoal.Engine;

/// <summary>Counts the incoming connections that have not shown yet what they want, in all and by network.</summary>
internal sealed class HandshakeSlots(TcpLimits limits)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, int> _byNetwork = [];
    private int _taken;

    public bool TryTake(IPAddress address)
    {
        var network = PeerNetwork.Of(address);
        lock (_lock)
        {
            var fromThere = _byNetwork.GetValueOrDefault(network);
            if (
                _taken >= limits.MaxHandshakes
                || (fromThere >= limits.MaxHandshakesPerAddress && !IPAddress.IsLoopback(address))
            )
            {
                return false;
            }

            _byNetwork[network] = fromThere + 1;
            _taken++;
            return true;
        }
    }

    public void Return(IPAddress address)
    {
        var network = PeerNetwork.Of(address);
        lock (_lock)
        {
            _taken--;
            var left = _byNetwork[network] - 1;
            if (left == 0)
            {
                _byNetwork.Remove(network);
            }
            else
            {
                _byNetwork[network] = left;
            }
        }
    }
}
