using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>What counts as one place on the network where connections are capped or banned.</summary>
internal static class PeerNetwork
{
    /// <summary>
    /// The first 24 bits of an IPv4 address, the first 48 of an IPv6 one: what is handed out at once, so that whoever has
    /// one of these addresses may well have them all.
    /// </summary>
    internal readonly record struct Neighbourhood(bool IsIPv4, ulong Prefix);

    public static Neighbourhood NeighbourhoodOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        return length == 4
            ? new Neighbourhood(true, BinaryPrimitives.ReadUInt32BigEndian(bytes) >> 8)
            : new Neighbourhood(false, BinaryPrimitives.ReadUInt64BigEndian(bytes) >> 16);
    }

    /// <summary>
    /// An IPv4 address, whichever family the socket that met it has, or the first half of an IPv6 one: who has one
    /// IPv6 address usually has all of its /64. Link-local addresses are a whole office's, so each stands for itself.
    /// </summary>
    public static IPAddress Of(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6 || address.IsIPv6LinkLocal)
        {
            return address;
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }
}
