using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Shoal.Tracker;

/// <summary>
/// Proof that whoever announces over UDP receives at the address it sends from (BEP 15). Nothing is stored: an id
/// is a keyed hash of the address and the minute. The port is left out, since a router may change it in between.
/// </summary>
internal sealed class ConnectionIds
{
    private const int WindowSeconds = 60;

    // BEP 15: "Trackers should accept the connection ID until two minutes after it has been send." Issued at the
    // end of its minute, an id lasts for the two that follow.
    private const int WindowsAfter = 2;

    private readonly ulong _key0 = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
    private readonly ulong _key1 = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));

    public long Issue(in PeerAddress address, TimeSpan now) => Compute(address, Window(now));

    public bool IsValid(long id, in PeerAddress address, TimeSpan now)
    {
        var window = Window(now);
        for (var back = 0; back <= WindowsAfter; back++)
        {
            if (Compute(address, window - back) == id)
            {
                return true;
            }
        }

        return false;
    }

    private static long Window(TimeSpan now) => (long)now.TotalSeconds / WindowSeconds;

    private long Compute(in PeerAddress address, long window)
    {
        Span<byte> message = stackalloc byte[24];
        message.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(message, window);
        address.CopyTo(message[8..]);
        return (long)SipHash.Hash(_key0, _key1, message[..(8 + address.Length)]);
    }
}
