using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// With whom we have nothing to do (<see cref="EngineOptions.IpFilterFiles"/>): asked wherever an address of a stranger
/// comes in or traffic leaves. Safe to use from any thread; the lists are replaced as a whole.
/// </summary>
/// <param name="options">The files.</param>
internal sealed class AddressFilter(EngineOptions options)
{
    private volatile IpFilter _addresses = IpFilter.Empty;

    /// <summary>No list, no ports.</summary>
    public static AddressFilter None { get; } = new(new EngineOptions { StateDirectory = "" });

    /// <summary>As read last.</summary>
    public IpFilter Addresses => _addresses;

    /// <summary>Ranges in use.</summary>
    public int Count => _addresses.Count;

    public bool IsBlocked(IPAddress address) => _addresses.Contains(address);

    /// <summary>Whether a peer that others named must not be connected to because of its port.</summary>
    public bool IsBlockedPort(int port) => options.BlockedPorts.Contains(port);

    /// <summary>Reads the files again, and uses what is in them from then on; where one is wrong all stays as it was.</summary>
    /// <exception cref="IpFilterException">A file cannot be read.</exception>
    public void Load(CancellationToken cancellation)
    {
        if (options.IpFilterFiles.Count == 0)
        {
            return;
        }

        _addresses = IpFilterFiles.Read(options.IpFilterFiles, cancellation);
    }
}
