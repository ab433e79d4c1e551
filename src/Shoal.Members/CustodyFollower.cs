using Shoal.Engine;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.Members;

/// <summary>
/// Gives receipts of a membership's torrents while they are fetched and seeded, and answers challenges, for as long as the member
/// agrees to that. What is said is written down before it is sent (<see cref="ReceiptBook"/>). One for each membership: its limits
/// are the member's.
/// </summary>
public sealed partial class CustodyFollower : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    /// <summary>How long a hub gets nothing that wants nothing, or that had enough of us.</summary>
    private static readonly TimeSpan LongPause = TimeSpan.FromMinutes(10);

    private readonly HubFollower _hub;
    private readonly TimeSpan _lastWord;
    private readonly TimeProvider _time;
    private readonly CustodyEntries _entries;
    private readonly MembershipVerifier _verifier;
    private readonly MemberId _ourselves;
    private readonly ReceiptBook _book;
    private readonly Lock _lock = new();
    private readonly Dictionary<Torrent, CustodyItem> _items = [];
    private readonly long _start;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _turn = new(1);
    private OwnReceipts? _atHub;
    private TimeSpan _notBefore;
    private string? _warned;
    private Task _telling = Task.CompletedTask;

    /// <param name="hub">Knows hub and membership; outlives this.</param>
    /// <param name="lastWord">How long the hub is told the last news, at the end.</param>
    /// <param name="time">The clock.</param>
    public CustodyFollower(HubFollower hub, TimeSpan lastWord, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(hub);
        ArgumentNullException.ThrowIfNull(time);
        (_hub, _lastWord, _time) = (hub, lastWord, time);
        _start = time.GetTimestamp();
        _entries = new CustodyEntries(hub);
        (_verifier, _ourselves, _book) = hub.Use(local =>
            (new MembershipVerifier(local.Authority), local.Grant.Member, new ReceiptBook(local.Folder))
        );
    }

    private TimeSpan Now => _time.GetElapsedTime(_start);

    public void Start()
    {
        _hub.Challenged += Wake;
        _telling = TellAsync();
        _answering = AnswerAsync();
    }

    /// <summary>Receipts are about it too, from now on.</summary>
    /// <param name="torrent">Of the publication.</param>
    /// <param name="entry">What it is in the catalogue; null: whatever has its names there.</param>
    public void Add(Torrent torrent, KnownEntry? entry)
    {
        lock (_lock)
        {
            _items.TryAdd(torrent, new CustodyItem(torrent, entry, _time.GetUtcNow(), Now));
        }
    }

    /// <summary>The member agreed: what there is to say is said at once.</summary>
    public void TellSoon()
    {
        foreach (var item in Items)
        {
            item.Schedule.Hurry();
        }
    }

    /// <summary>Gives a last receipt of it, if the hub answers soon.</summary>
    public async Task RemoveAsync(Torrent torrent)
    {
        CustodyItem? item;
        lock (_lock)
        {
            _items.Remove(torrent, out item);
        }

        if (item is not null)
        {
            using var soon = new CancellationTokenSource(_lastWord, _time);
            await TryTellAsync(item, soon.Token).ConfigureAwait(false);
        }
    }

    /// <summary>Gives last receipts, if the hub answers soon.</summary>
    public async ValueTask DisposeAsync()
    {
        _hub.Challenged -= Wake;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _telling.ConfigureAwait(false);
        await _answering.ConfigureAwait(false);
        using (var soon = new CancellationTokenSource(_lastWord, _time))
        {
            foreach (var item in Items)
            {
                await TryTellAsync(item, soon.Token).ConfigureAwait(false);
            }
        }

        _stop.Dispose();
    }

    private IReadOnlyList<CustodyItem> Items
    {
        get
        {
            lock (_lock)
            {
                return [.. _items.Values];
            }
        }
    }

    private async Task TellAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(Look, _time, _stop.Token).ConfigureAwait(false);
                foreach (var item in Items)
                {
                    var hasAll = item.HasAll;
                    if (item.IsKnown && Now >= _notBefore && item.Schedule.IsDue(Now, hasAll))
                    {
                        var isSaid = await TryTellAsync(item, _stop.Token).ConfigureAwait(false);
                        item.Schedule.Tried(Now, hasAll, isSaid);
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The membership is not followed any more.
        }
    }

    /// <returns>There is nothing left to tell for now.</returns>
    private async Task<bool> TryTellAsync(CustodyItem item, CancellationToken cancel)
    {
        try
        {
            await _turn.WaitAsync(cancel).ConfigureAwait(false);
            try
            {
                return await TellAsync(item, cancel).ConfigureAwait(false);
            }
            finally
            {
                _turn.Release();
            }
        }
        catch (Exception error) when (error is HubException or LocalMembershipException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<bool> TellAsync(CustodyItem item, CancellationToken cancel)
    {
        if (_book.ReadAgreed() is not { } agreed)
        {
            // Should the member agree one day, what it says begins anew: what was said has been deleted.
            (item.Ledger, item.Unsent, _atHub) = (null, null, null);
            return true;
        }

        try
        {
            await PrepareAsync(item, cancel).ConfigureAwait(false);
            if (item.Unsent is not { } unsent)
            {
                return true;
            }

            if (Now < _notBefore)
            {
                // It is written down, and said the next time.
                return false;
            }

            await _hub.Client.GiveReceiptAsync(unsent, agreed, cancel).ConfigureAwait(false);
            (item.Unsent, _warned) = (null, null);
            return true;
        }
        catch (HubException error) when (error.IsTemporary)
        {
            _notBefore = Now + (error.Code == "too-many-requests" ? LongPause : CustodyLimits.ReceiptRetry);
            return false;
        }
        catch (HubException error)
        {
            return Refused(item, error);
        }
    }

    /// <summary>The hub does not want this one, or none of ours.</summary>
    private bool Refused(CustodyItem item, HubException error)
    {
        if (error.Code is "receipts-off" or "not-agreed")
        {
            // It is kept: the member may agree to more, and the operator want to keep less.
            _notBefore = Now + LongPause;
        }
        else
        {
            item.Unsent = null;
        }

        if (_warned != error.Code && error.Code != "certificate-revoked")
        {
            _warned = error.Code;
            _hub.Warn(
                "receipt-refused",
                $"the hub does not take our receipt: {error.Message}"
                    + (error.Code == "not-agreed" ? "; 'shoal member receipts --on' agrees to it" : "")
            );
        }

        return item.Unsent is null;
    }

    /// <summary>Signs what there is to say, if there is anything new, and writes it down.</summary>
    private async Task PrepareAsync(CustodyItem item, CancellationToken cancel)
    {
        if (!item.IsKnown || await LedgerOfAsync(item, cancel).ConfigureAwait(false) is not { } ledger)
        {
            return;
        }

        if (ledger.Next(item.Torrent.Status.ReceivedFrom, item.HasAll, _time.GetUtcNow()) is not { } fields)
        {
            return;
        }

        var former = item.Former;
        item.Former = null;
        if (
            former is not null
            && former.IsComplete == fields.IsComplete
            && former.Senders.SequenceEqual(fields.Senders)
            && await IsAtHubAsync(fields, cancel).ConfigureAwait(false)
        )
        {
            return;
        }

        item.Unsent = _hub.Sign((identity, mine) => TransferReceipt.Sign(fields, identity, mine.Span));
        _book.Write(fields.Content, item.Unsent);
    }

    /// <summary>Null: what it is in the catalogue is not known, or it is our own, of which we are the origin.</summary>
    private async Task<ReceiptLedger?> LedgerOfAsync(CustodyItem item, CancellationToken cancel)
    {
        if (item.Ledger is { } known)
        {
            return known;
        }

        item.Entry ??= await _entries.FindAsync(item.Torrent.InfoHashes, Now, cancel).ConfigureAwait(false);
        if (item.Entry is not { } entry || entry.Entry.Publisher == _ourselves)
        {
            return null;
        }

        var last = _book.Read(entry.Fields.Id, entry.Fields.Version, _verifier);
        item.Former = last?.Receiver == _ourselves ? last.Fields : null;
        return item.Ledger = new ReceiptLedger(
            ReceiptContent.Of(entry.Fields),
            _ourselves,
            entry.Fields.Size,
            item.Former,
            item.Since
        );
    }

    /// <summary>
    /// Whether the former run's last word arrived. It is asked once: who has many contents would else say all of them again at each
    /// start, and more than a hub takes.
    /// </summary>
    private async Task<bool> IsAtHubAsync(ReceiptFields fields, CancellationToken cancel)
    {
        _atHub ??= await _hub.Client.ReadOwnReceiptsAsync(cancel).ConfigureAwait(false);
        return _atHub.Has(fields);
    }
}
