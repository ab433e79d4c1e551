using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Looks at the first bytes of a call: whether they are TLS's and name something of ours. If not it was as if nobody had
/// looked, and it is so whether there is any such torrent here or none: the port says nothing about that.
/// </summary>
/// <param name="torrents">Those that are not for everybody.</param>
/// <param name="budget">How much computing strangers may cause.</param>
internal sealed class SecureListener(SecureTorrents torrents, KeyExchangeBudget budget)
{
    private const int FirstSize = 2048;

    /// <param name="transport">Connected.</param>
    /// <param name="remote">Who calls.</param>
    /// <param name="early">What was received so far; not empty.</param>
    /// <returns>
    /// Whom the caller means, or null; and the connection to go on with: the same as before if nothing more was received, else
    /// one that hands out all of it, from the first byte on.
    /// </returns>
    public async Task<(ILinkSecurity? Meant, ITransport Transport)> LookAsync(
        ITransport transport,
        IPEndPoint remote,
        ReadOnlyMemory<byte> early
    )
    {
        var status = ClientHello.Read(early.Span, out var serverName);
        if (status == ReadStatus.Malformed)
        {
            return (null, transport);
        }

        var buffer = new byte[FirstSize];
        early.CopyTo(buffer);
        var length = early.Length;
        while (status == ReadStatus.NeedMore)
        {
            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, Math.Min(buffer.Length * 2, ClientHello.MaxLength));
            }

            var received = await transport.ReceiveAsync(buffer.AsMemory(length)).ConfigureAwait(false);
            if (received == 0)
            {
                break;
            }

            length += received;
            status = ClientHello.Read(buffer.AsSpan(0, length), out serverName);
        }

        var meant =
            status == ReadStatus.Ok && torrents.Find(serverName) is { } found && budget.TryTake(remote.Address)
                ? found
                : null;
        return (meant, new PrefixedTransport(transport, buffer.AsMemory(0, length)));
    }
}
