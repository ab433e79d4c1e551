using Shoal.Protocol;

namespace Shoal.Engine;

// Items (BEP 44) and samples (BEP 51).
internal sealed partial class DhtLoop
{
    /// <summary>Looks for an item (BEP 44); <paramref name="found"/> is called for each newer one.</summary>
    public Task<DhtResult.ItemDone> GetItemAsync(
        ItemQuery query,
        Action<DhtItem>? found,
        CancellationToken cancellation
    ) => SearchAsync<DhtResult.ItemDone>(now => _dht.GetItem(query, now, _effects), found, cancellation);

    /// <summary>Puts an item (BEP 44) that is signed already, if it is mutable. It lasts two hours at most.</summary>
    public Task<DhtResult.ItemDone> PutItemAsync(ItemPut put, CancellationToken cancellation) =>
        SearchAsync<DhtResult.ItemDone>(now => _dht.PutItem(put, now, _effects), null, cancellation);

    /// <summary>
    /// Puts an item now and once an hour until the result is disposed of. A mutable one is to be signed already; when somebody with the key puts a newer one, that one is kept from then on.
    /// </summary>
    /// <param name="item">What to keep.</param>
    /// <param name="put">Called after each time, with the newest item and how many nodes took it; quick.</param>
    /// <param name="wasPut">It was put just now: an hour from now first.</param>
    public IDisposable KeepItem(DhtItem item, Action<DhtResult.ItemKept>? put, bool wasPut = false)
    {
        var kept = new KeptItem(this);
        Do(now =>
        {
            kept.Number = _dht.KeepItem(item, wasPut, now, _effects);
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

    /// <summary>Asks the nodes on the way to a target which infohashes they have (BEP 51).</summary>
    public Task<DhtResult.SamplesDone> SampleAsync(NodeId target, CancellationToken cancellation) =>
        SearchAsync<DhtResult.SamplesDone>(now => _dht.SampleInfoHashes(target, now, _effects), null, cancellation);

    private async Task<TDone> SearchAsync<TDone>(
        Func<TimeSpan, int> begin,
        Action<DhtItem>? found,
        CancellationToken cancellation
    )
        where TDone : DhtResult
    {
        var end = new TaskCompletionSource<TDone>(TaskCreationOptions.RunContinuationsAsynchronously);
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
                else if (result is TDone done)
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
