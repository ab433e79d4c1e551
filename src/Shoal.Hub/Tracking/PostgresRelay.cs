using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Text;
using System.Threading.Channels;
using Npgsql;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Hub;

/// <summary>
/// Tells the other hubs at the same database what members announce, so that each knows all peers. By LISTEN and NOTIFY: no
/// table ever has an address in it. A hub that misses some knows them again when they announce the next time.
/// </summary>
internal sealed class PostgresRelay : IAsyncDisposable
{
    private const string Channel = "shoal_hub";

    // PostgreSQL: "it must be specified as a simple string literal... must be shorter than 8000 bytes".
    private const int MaxPayload = 7900;
    private const int MaxQueue = 100_000;
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private readonly PostgresDatabase _database;
    private readonly string _publication;
    private readonly string _self = Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture)[..8];
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<MemberPeer> _queue = System.Threading.Channels.Channel.CreateBounded<MemberPeer>(
        new BoundedChannelOptions(MaxQueue) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest }
    );

    private Task _telling = Task.CompletedTask;
    private Task _hearing = Task.CompletedTask;

    public PostgresRelay(PostgresDatabase database, PublicationId publication) =>
        (_database, _publication) = (database, publication.ToString());

    /// <summary>Told of what another hub heard.</summary>
    public required Action<MemberPeer> Heard { get; init; }

    public void Start()
    {
        _telling = TellAsync();
        _hearing = HearAsync();
    }

    /// <summary>Never waits.</summary>
    public void Tell(MemberPeer peer) => _queue.Writer.TryWrite(peer);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _telling.ConfigureAwait(false);
        await _hearing.ConfigureAwait(false);
        _stop.Dispose();
    }

    /// <summary>One peer: swarm, member, port, flags, address; in bytes.</summary>
    internal static byte[] Pack(in MemberPeer peer)
    {
        var address = peer.Address.GetAddressBytes();
        var flags = (byte)((peer.IsSeed ? 1 : 0) | (peer.IsLeaving ? 2 : 0));
        return [.. peer.InfoHash.Span, .. peer.Member.Span, (byte)(peer.Port >> 8), (byte)peer.Port, flags, .. address];
    }

    /// <summary>Null: no peer.</summary>
    internal static MemberPeer? Unpack(ReadOnlySpan<byte> bytes)
    {
        const int fixedSize = InfoHash.Size + MemberId.Size + 3;
        if (bytes.Length is not (fixedSize + 4 or fixedSize + 16))
        {
            return null;
        }

        var member = new MemberId(bytes.Slice(InfoHash.Size, MemberId.Size));
        var rest = bytes[(InfoHash.Size + MemberId.Size)..];
        return new MemberPeer(
            member,
            new InfoHash(bytes[..InfoHash.Size]),
            new IPAddress(rest[3..]),
            (ushort)(rest[0] << 8 | rest[1]),
            (rest[2] & 1) != 0,
            (rest[2] & 2) != 0
        );
    }

    private async Task TellAsync()
    {
        try
        {
            while (await _queue.Reader.WaitToReadAsync(_stop.Token).ConfigureAwait(false))
            {
                var payload = new StringBuilder($"{_publication} {_self}");
                while (payload.Length < MaxPayload - 100 && _queue.Reader.TryRead(out var peer))
                {
                    payload.Append(' ').Append(Base64Url.EncodeToString(Pack(peer)));
                }

                await NotifyAsync(payload.ToString()).ConfigureAwait(false);
                if (!_queue.Reader.TryPeek(out _))
                {
                    await Task.Delay(Gathering, _stop.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The hub stops.
        }
    }

    private async Task NotifyAsync(string payload)
    {
        try
        {
            var command = _database.Source.CreateCommand("SELECT pg_notify($1, $2)");
            await using (command.ConfigureAwait(false))
            {
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Channel });
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = payload });
                await command.ExecuteNonQueryAsync(_stop.Token).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or IOException)
        {
            await Task.Delay(Pause, _stop.Token).ConfigureAwait(false);
        }
    }

    private async Task HearAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var connection = await _database.Source.OpenConnectionAsync(_stop.Token).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    connection.Notification += (_, message) => Hear(message.Payload);
                    var listen = new NpgsqlCommand("LISTEN " + Channel, connection);
                    await using (listen.ConfigureAwait(false))
                    {
                        await listen.ExecuteNonQueryAsync(_stop.Token).ConfigureAwait(false);
                    }

                    while (true)
                    {
                        await connection.WaitAsync(_stop.Token).ConfigureAwait(false);
                    }
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException or IOException)
            {
                try
                {
                    await Task.Delay(Pause, _stop.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }
    }

    private void Hear(string payload)
    {
        var parts = payload.Split(' ');
        if (parts.Length < 3 || parts[0] != _publication || parts[1] == _self)
        {
            return;
        }

        Span<byte> bytes = stackalloc byte[64];
        foreach (var part in parts.AsSpan(2))
        {
            if (
                Base64Url.DecodeFromChars(part, bytes, out _, out var length) == OperationStatus.Done
                && Unpack(bytes[..length]) is { } peer
            )
            {
                Heard(peer);
            }
        }
    }
}
