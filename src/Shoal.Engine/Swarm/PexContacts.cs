using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Whom a peer says it is connected to. Every connection has such a list, so in it a contact takes 8 bytes (IPv6: an end
/// point), and not the 150 of an entry in a dictionary; it is asked rarely enough to be searched from end to end.
/// </summary>
internal sealed class PexContacts
{
    private const int FlagBits = 8;

    // The address, the port and the flags in 56 bits.
    private ulong[] _ipv4 = [];
    private int _ipv4Count;
    private List<PexPeer>? _ipv6;

    public int Count => _ipv4Count + (_ipv6?.Count ?? 0);

    /// <summary>Adds the contact, or changes what is said of it.</summary>
    public void Set(IPEndPoint endPoint, PexFlags flags)
    {
        if (!TryPack(endPoint, out var key))
        {
            Remove(endPoint);
            (_ipv6 ??= []).Add(new PexPeer(endPoint, flags));
            return;
        }

        var at = Find(key);
        if (at < 0)
        {
            at = _ipv4Count;
            if (at == _ipv4.Length)
            {
                // A message brings fifty at most, and most peers send one such: no doubling.
                Array.Resize(ref _ipv4, at + Math.Max(8, at / 4));
            }

            _ipv4Count++;
        }

        _ipv4[at] = key << FlagBits | (byte)flags;
    }

    public void Remove(IPEndPoint endPoint)
    {
        if (!TryPack(endPoint, out var key))
        {
            _ipv6?.RemoveAll(contact => contact.EndPoint.Equals(endPoint));
        }
        else if (Find(key) is >= 0 and var at)
        {
            _ipv4[at] = _ipv4[--_ipv4Count];
        }
    }

    public bool TryGet(IPEndPoint endPoint, out PexFlags flags)
    {
        if (TryPack(endPoint, out var key))
        {
            var at = Find(key);
            flags = at < 0 ? PexFlags.None : (PexFlags)(byte)_ipv4[at];
            return at >= 0;
        }

        var place = _ipv6?.FindIndex(contact => contact.EndPoint.Equals(endPoint)) ?? -1;
        flags = place < 0 ? PexFlags.None : _ipv6![place].Flags;
        return place >= 0;
    }

    private int Find(ulong key)
    {
        for (var i = 0; i < _ipv4Count; i++)
        {
            if (_ipv4[i] >> FlagBits == key)
            {
                return i;
            }
        }

        return -1;
    }

    private static bool TryPack(IPEndPoint endPoint, out ulong key)
    {
        key = 0;
        if (endPoint.AddressFamily != AddressFamily.InterNetwork)
        {
            return false;
        }

        Span<byte> address = stackalloc byte[4];
        endPoint.Address.TryWriteBytes(address, out _);
        key = (ulong)BinaryPrimitives.ReadUInt32BigEndian(address) << 16 | (ushort)endPoint.Port;
        return true;
    }
}
