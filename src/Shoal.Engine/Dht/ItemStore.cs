using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Items that others put with us (BEP 44), bounded in number, by source and by age.</summary>
internal sealed class ItemStore(DhtLimits limits, SignatureVerifier? verify)
{
    private readonly Dictionary<NodeId, Stored> _items = [];
    private readonly Dictionary<ulong, int> _bySource = [];
    private readonly TokenBucket _checks = new(limits.SignatureChecksPerSecond, limits.SignatureChecksPerSecond * 2);

    public int Count => _items.Count;

    public DhtItem? Find(NodeId target) => _items.GetValueOrDefault(target)?.Item;

    /// <summary>Stores or renews; null when done, else the error to answer. The write token is checked by the caller.</summary>
    public KrpcErrorCode? Put(DhtItem item, long? compareAndSwap, IPAddress source, TimeSpan now)
    {
        if (item.Value.Length > limits.ItemValueBytes)
        {
            return KrpcErrorCode.ValueTooBig;
        }

        if (item.Salt.Length > DhtItem.MaxSalt)
        {
            return KrpcErrorCode.SaltTooBig;
        }

        var target = item.Target;
        var stored = _items.GetValueOrDefault(target);
        if (item.Signature is not null)
        {
            // What is cheap to see comes before the signature.
            var refusal = CheckMutable(item, item.Signature.Sequence, stored?.Item, compareAndSwap, now);
            if (refusal is not null)
            {
                return refusal;
            }
        }

        if (stored is not null)
        {
            // "If the sequence number is equal, and the value is also the same, the node SHOULD reset its timeout
            // counter."
            stored.Item = item;
            stored.At = now;
            return null;
        }

        return Insert(target, item, source, now);
    }

    /// <summary>Forgets items that nobody put again.</summary>
    public void Expire(TimeSpan now)
    {
        List<NodeId>? old = null;
        foreach (var (target, stored) in _items)
        {
            if (now - stored.At >= limits.ItemLifetime)
            {
                (old ??= []).Add(target);
            }
        }

        foreach (var target in old ?? [])
        {
            Remove(target);
        }
    }

    private KrpcErrorCode? CheckMutable(
        DhtItem item,
        long sequence,
        DhtItem? stored,
        long? compareAndSwap,
        TimeSpan now
    )
    {
        // BEP 44: "A client MAY also reject any message with a negative sequence number."
        if (sequence < 0)
        {
            return KrpcErrorCode.Protocol;
        }

        if (stored?.Signature is { } known)
        {
            // "Only if the cas matches the stored sequence number is the put performed. If it mismatches, the store
            // fails and an error MUST be returned." "If there is no current value, the cas field SHOULD be ignored."
            if (compareAndSwap is not null && compareAndSwap != known.Sequence)
            {
                return KrpcErrorCode.CompareAndSwapMismatch;
            }

            // "Storing nodes receiving a put request where seq is lower than or equal to what's already stored on the
            // node, MUST reject the request."
            var isSame = sequence == known.Sequence && stored.Value.AsSpan().SequenceEqual(item.Value);
            if (sequence <= known.Sequence && !isSame)
            {
                return KrpcErrorCode.SequenceTooLow;
            }
        }

        if (verify is null || !_checks.TryTake(1, now))
        {
            return KrpcErrorCode.Server;
        }

        // "On the storage node, the signature MUST be verified before accepting the store command."
        return item.HasGoodSignature(verify) ? null : KrpcErrorCode.BadSignature;
    }

    private KrpcErrorCode? Insert(NodeId target, DhtItem item, IPAddress address, TimeSpan now)
    {
        var source = DhtAddress.Source(address);
        if (_bySource.GetValueOrDefault(source) >= limits.StoredItemsOfSource)
        {
            return KrpcErrorCode.Server;
        }

        if (_items.Count >= limits.StoredItems)
        {
            Remove(_items.MinBy(pair => pair.Value.At).Key);
        }

        _items.Add(target, new Stored(item, source, now));
        _bySource[source] = _bySource.GetValueOrDefault(source) + 1;
        return null;
    }

    private void Remove(NodeId target)
    {
        _items.Remove(target, out var stored);
        if (--_bySource[stored!.Source] == 0)
        {
            _bySource.Remove(stored.Source);
        }
    }

    private sealed class Stored(DhtItem item, ulong source, TimeSpan now)
    {
        public DhtItem Item { get; set; } = item;
        public ulong Source => source;
        public TimeSpan At { get; set; } = now;
    }
}
