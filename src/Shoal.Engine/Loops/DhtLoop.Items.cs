using Shoal.Protocol;

namespace Shoal.Engine;

// Items (BEP 44).
internal sealed partial class DhtLoop
{
    /// <summary>Looks for an item (BEP 44); <paramref name="found"/> is called for each newer one.</summary>
    public Task<DhtResult.ItemDone> GetItemAsync(
        ItemQuery query,
        Action<DhtItem>? found,
        CancellationToken cancellation
    ) => SearchItemAsync(now => _dht.GetItem(query, now, _effects), found, cancellation);

    /// <summary>Puts an item (BEP 44) that is signed already, if it is mutable. It lasts two hours at most.</summary>
    public Task<DhtResult.ItemDone> PutItemAsync(ItemPut put, CancellationToken cancellation) =>
        SearchItemAsync(now => _dht.PutItem(put, now, _effects), null, cancellation);

    /// <summary>
    /// Puts an item now and once an hour until the result is disposed of. A mutable one is to be signed already
    /// (<see cref="SignAsync"/>); when somebody with the key puts a newer one, that one is kept from then on.
    /// </summary>
    /// <param name="item">What to keep.</param>
    /// <param name="put">Called after each time, with the newest item and how many nodes took it; quick.</param>
    public IDisposable KeepItem(DhtItem item, Action<DhtResult.ItemKept>? put)
    {
        var kept = new KeptItem(this);
        Do(now =>
        {
            kept.Number = _dht.KeepItem(item, now, _effects);
            _listeners[kept.Number] = result =>
            {
                if (result is DhtResult.ItemKept done)
                {
                    put?.Invoke(done);
                }
            };
        });
        return kept;
    }

    /// <summary>Signs a value with the number after the newest one in the DHT.</summary>
    /// <returns>The item, and the number it comes after: null if there was none.</returns>
    /// <exception cref="InvalidOperationException">There is no libsodium.</exception>
    public async Task<ItemPut> SignAsync(byte[] seed, byte[] salt, byte[] value, CancellationToken cancellation)
    {
        var ed25519 = _options.Ed25519 ?? throw new InvalidOperationException("mutable items need libsodium");
        var key = ed25519.PublicKey(seed);
        var before = await GetItemAsync(ItemQuery.Mutable(key, salt), null, cancellation).ConfigureAwait(false);
        var known = before.Best?.Signature?.Sequence;
        var sequence = (known ?? 0) + 1;
        var signature = ed25519.Sign(seed, DhtItem.BytesToSign(salt, sequence, value));
        return new ItemPut(new DhtItem(value, new KrpcSignature(key, sequence, signature), salt), known);
    }

    /// <summary>Signs a value as <see cref="SignAsync"/> does, and puts it over the one that was newest only.</summary>
    /// <exception cref="InvalidOperationException">There is no libsodium.</exception>
    public async Task<DhtResult.ItemDone> PublishAsync(
        byte[] seed,
        byte[] salt,
        byte[] value,
        CancellationToken cancellation
    ) =>
        await PutItemAsync(await SignAsync(seed, salt, value, cancellation).ConfigureAwait(false), cancellation)
            .ConfigureAwait(false);

    private async Task<DhtResult.ItemDone> SearchItemAsync(
        Func<TimeSpan, int> begin,
        Action<DhtItem>? found,
        CancellationToken cancellation
    )
    {
        var end = new TaskCompletionSource<DhtResult.ItemDone>(TaskCreationOptions.RunContinuationsAsynchronously);
        var number = 0;
        Do(now =>
        {
            number = begin(now);
            _listeners[number] = result =>
            {
                if (result is DhtResult.ItemFound item)
                {
                    found?.Invoke(item.Item);
                }
                else if (result is DhtResult.ItemDone done)
                {
                    end.TrySetResult(done);
                }
            };
        });
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stop.Token);
        try
        {
            return await end.Task.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Do(_ =>
            {
                _listeners.Remove(number);
                _dht.Cancel(number);
            });
            throw;
        }
    }

    /// <summary>An item that stays in the DHT until this is disposed of.</summary>
    private sealed class KeptItem(DhtLoop loop) : IDisposable
    {
        // Written and read on the loop only.
        public int Number { get; set; }

        public void Dispose() =>
            loop.Do(_ =>
            {
                loop._listeners.Remove(Number);
                loop._dht.Cancel(Number);
            });
    }
}
