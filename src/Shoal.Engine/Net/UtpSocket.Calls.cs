using System.Net;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Beginnings: calls of ours, calls of strangers, and what strangers get who do not call.</summary>
internal sealed partial class UtpSocket
{
    private void AnswerCall(int socket, IPEndPoint source, in UtpHeader syn, TimeSpan now)
    {
        if (_options.Accept is null || _stopping.IsCancellationRequested)
        {
            return;
        }

        if (Find(source, syn.ConnectionId + 1) is { } known)
        {
            // An old one; the connection is here already.
            known.EndBatch(now);
            return;
        }

        if (IsOurs(source, syn, now))
        {
            return;
        }

        Span<byte> answer = stackalloc byte[UtpHeader.Size];
        lock (_strangers)
        {
            if (!_syns.TryAnswer(source, syn, NewSecrets(), now, out var pending))
            {
                return;
            }

            pending.WriteAnswer(answer, syn, _options.Limits.MinReceiveWindow, now);
        }

        Port.TrySend(socket, source, answer);
    }

    /// <summary>Both sides call, to open a hole: the call with the larger number counts. Whether that is ours.</summary>
    private bool IsOurs(IPEndPoint source, in UtpHeader syn, TimeSpan now)
    {
        var theirs = (uint)(syn.ConnectionId << 16 | syn.Sequence);
        foreach (var (ours, transport) in _punches)
        {
            if (!transport.IsCalling || !transport.Remote.Equals(source))
            {
                continue;
            }

            if (ours > theirs)
            {
                return true;
            }

            transport.Yield(now);
        }

        return false;
    }

    /// <summary>Begins a connection with who has shown that it got our answer.</summary>
    private UtpTransport? Begin(int socket, IPEndPoint source, in UtpHeader header, TimeSpan now)
    {
        UtpPendingSyn syn;
        bool isProven;
        lock (_strangers)
        {
            isProven = _syns.TryProve(source, header, out syn);
        }

        if (!isProven || _options.Accept is not { } accept)
        {
            Reset(socket, source, header, now);
            return null;
        }

        var transport = new UtpTransport(this, socket, source, syn, now);
        if (_slots.TryTake(source.Address, transport.Close) is not { } place)
        {
            transport.Abort(now);
            return null;
        }

        if (!_connections.TryAdd(KeyOf(transport), transport))
        {
            // Ours to the same peer, by the same id: its packets would be theirs.
            transport.Close();
            _slots.Return(place);
            return null;
        }

        var isRunning = _tasks.TryRun(async () =>
        {
            try
            {
                await accept(transport, source, _stopping.Token).ConfigureAwait(false);
            }
            finally
            {
                _slots.Return(place);
            }
        });
        if (!isRunning)
        {
            transport.Close();
            _slots.Return(place);
        }

        return transport;
    }

    /// <summary>
    /// Tells who sends to a connection that is not here. Never more than came in, so that nobody can be hit through us, and
    /// never much of it.
    /// </summary>
    private void Reset(int socket, IPEndPoint source, in UtpHeader header, TimeSpan now)
    {
        lock (_strangers)
        {
            if (!_resets.TryTake(1, now))
            {
                return;
            }
        }

        Span<byte> reset = stackalloc byte[UtpHeader.Size];
        new UtpHeader(
            UtpPacketType.Reset,
            header.ConnectionId,
            0,
            0,
            0,
            (ushort)RandomNumberGenerator.GetInt32(65536),
            header.Sequence
        ).Write(reset);
        Port.TrySend(socket, source, reset);
    }

    private UtpTransport? Call(IPEndPoint remote, bool isPunch)
    {
        var socket = SocketFor(remote.Address);
        // Ids are the caller's to choose; a few tries find one that is free with this peer.
        for (var attempt = 0; socket >= 0 && attempt < 10; attempt++)
        {
            var secrets = NewSecrets();
            var transport = new UtpTransport(this, socket, remote, secrets, isPunch, Now);
            if (_connections.TryAdd(KeyOf(transport), transport))
            {
                if (transport.CallNumber is { } number)
                {
                    _punches[number] = transport;
                }

                return transport;
            }
        }

        return null;
    }

    private int SocketFor(IPAddress address)
    {
        var found = -1;
        for (var i = 0; i < Port.LocalEndPoints.Count; i++)
        {
            var local = Port.LocalEndPoints[i].Address;
            if (local.AddressFamily != address.AddressFamily)
            {
                continue;
            }

            // This machine is reached by its own addresses, and others are not.
            if (found < 0 || IPAddress.IsLoopback(local) == IPAddress.IsLoopback(address))
            {
                found = i;
            }
        }

        return found;
    }

    private static UtpSecrets NewSecrets()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return new UtpSecrets(
            BitConverter.ToUInt16(bytes),
            BitConverter.ToUInt16(bytes[2..]),
            BitConverter.ToUInt32(bytes[4..])
        );
    }
}
