using System.Threading.Channels;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Publishes one value under a key: reads the newest item, signs ours with the next number, puts it over that one and no
/// other (compare-and-swap), and keeps it in the DHT.
/// </summary>
internal sealed class PublicationPublisher : IAsyncDisposable
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(30);

    private readonly DhtLoop _dht;
    private readonly SigningKey _key;
    private readonly byte[] _value;
    private readonly PublicationFile _file;
    private readonly Ed25519 _ed25519;
    private readonly TimeProvider _time;
    private readonly BackgroundTasks _tasks;
    private readonly CancellationTokenSource _stop = new();

    // Puttings are an hour apart; a reader that is late misses old ones.
    private readonly Channel<PublicationPut> _puts = Channel.CreateBounded<PublicationPut>(
        new BoundedChannelOptions(16) { FullMode = BoundedChannelFullMode.DropOldest }
    );
    private volatile PublicationStatus _status = new(0, 0, null, false, false);
    private IDisposable? _kept;

    /// <summary>Begins at once.</summary>
    public PublicationPublisher(
        DhtLoop dht,
        PublicationName name,
        SigningKey key,
        byte[] value,
        PublicationFile file,
        Ed25519 ed25519,
        TimeProvider time,
        Action<Exception> onFault
    )
    {
        (_dht, Name, _key, _value, _file, _ed25519, _time) = (dht, name, key, value, file, ed25519, time);
        _tasks = new BackgroundTasks(onFault);
        _tasks.TryRun(RunAsync);
    }

    public PublicationName Name { get; }

    public PublicationStatus Status => _status;

    public ChannelReader<PublicationPut> Puts => _puts.Reader;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _tasks.EndAsync().ConfigureAwait(false);
        _kept?.Dispose();
        _puts.Writer.TryComplete();
        _stop.Dispose();
    }

    /// <summary>
    /// The item to put: the newest one if it says the same already, else ours with the number after all that are known.
    /// </summary>
    /// <param name="newest">The newest in the DHT; null: none.</param>
    /// <param name="remembered">The newest we know of from a former run, proven; null: none.</param>
    /// <param name="value">What we want to publish.</param>
    /// <param name="sign">Makes the item with a number.</param>
    public static DhtItem Next(DhtItem? newest, DhtItem? remembered, byte[] value, Func<long, DhtItem> sign)
    {
        var last = remembered?.Signature?.Sequence > (newest?.Signature?.Sequence ?? -1) ? remembered : newest;
        // Without an item there is none before the first; numbers begin with 1, as libtorrent's do.
        return last is null ? sign(1)
            : last.Value.AsSpan().SequenceEqual(value) ? last
            : sign(last.Signature!.Sequence + 1);
    }

    private async Task RunAsync()
    {
        var query = ItemQuery.Mutable(Name.Key.ToArray(), Name.Salt.ToArray());
        var retry = FirstRetry;
        for (var looks = 1; ; looks++)
        {
            // Without an answer nobody knows which number is the next.
            var found = await _dht.GetItemAsync(query, null, _stop.Token).ConfigureAwait(false);
            var item = Next(found.Best, _file.Item(_ed25519.Verify), _value, Sign);
            var sequence = item.Signature!.Sequence;
            _status = new PublicationStatus(looks, found.Answered, sequence, false, false);
            if (found.Answered > 0)
            {
                // Saved before anybody hears of it: a number is never used for two values.
                _file.Save(item);
                var swap = found.Best?.Signature?.Sequence;
                var put = await _dht.PutItemAsync(new ItemPut(item, swap), _stop.Token).ConfigureAwait(false);
                // Who refuses our number has a newer one: somebody published at the same time.
                var isOutrun =
                    put.Refusal is KrpcErrorCode.CompareAndSwapMismatch or KrpcErrorCode.SequenceTooLow
                    || put.Best?.Signature?.Sequence > sequence;
                if (put.StoredAt > 0 && !isOutrun)
                {
                    Tell(new DhtResult.ItemKept(0, item, put.StoredAt));
                    _kept = _dht.KeepItem(item, Tell, wasPut: true);
                    return;
                }
            }

            await Task.Delay(retry, _time, _stop.Token).ConfigureAwait(false);
            retry = retry * 2 < LastRetry ? retry * 2 : LastRetry;
        }
    }

    private DhtItem Sign(long sequence)
    {
        var salt = Name.Salt.ToArray();
        var proof = _ed25519.Sign(_key.Seed, DhtItem.BytesToSign(salt, sequence, _value));
        return new DhtItem(_value, new KrpcSignature(Name.Key.ToArray(), sequence, proof), salt);
    }

    private void Tell(DhtResult.ItemKept kept) =>
        _puts.Writer.TryWrite(
            new PublicationPut(
                kept.Item.Signature!.Sequence,
                kept.StoredAt,
                kept.Item.Value.AsSpan().SequenceEqual(_value)
            )
        );
}
