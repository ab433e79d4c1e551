using Shoal.Engine;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>
/// Gives receipts while something is fetched and seeded, and answers challenges, for as long as the member agrees to that. What is said is
/// written down before it is sent (<see cref="ReceiptBook"/>).
/// </summary>
internal sealed class CustodyFollower : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastWord = TimeSpan.FromSeconds(3);

    private readonly KnownEntry _entry;
    private readonly Torrent _torrent;
    private readonly HubFollower _hub;
    private readonly TimeProvider _time;
    private readonly MembershipVerifier _verifier;
    private readonly MemberId _ourselves;
    private readonly ReceiptBook _book;
    private readonly ReceiptLedger _ledger;
    private readonly AnswerBudget _budget = new();
    private readonly HashSet<Sha256Digest> _answered = [];
    private readonly long _start;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _challenged = new(0, 1);
    private byte[]? _unsent;
    private bool _isOver;
    private Task _telling = Task.CompletedTask;
    private Task _answering = Task.CompletedTask;

    /// <param name="local">Ours.</param>
    /// <param name="entry">What is moved.</param>
    /// <param name="torrent">Moves it.</param>
    /// <param name="hub">Knows the hub; outlives this.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="LocalMembershipException">What was said before cannot be read.</exception>
    public CustodyFollower(LocalMembership local, KnownEntry entry, Torrent torrent, HubFollower hub, TimeProvider time)
    {
        (_entry, _torrent, _hub, _time) = (entry, torrent, hub, time);
        _start = time.GetTimestamp();
        _verifier = new MembershipVerifier(local.Authority);
        _ourselves = local.Grant.Member;
        _book = new ReceiptBook(local.Folder);
        var last = _book.Read(entry.Fields.Id, entry.Fields.Version, _verifier);
        _ledger = new ReceiptLedger(
            ReceiptContent.Of(entry.Fields),
            _ourselves,
            entry.Fields.Size,
            last?.Receiver == _ourselves ? last.Fields : null,
            time.GetUtcNow()
        );
    }

    private TimeSpan Now => _time.GetElapsedTime(_start);

    public void Start()
    {
        _hub.Challenged += Wake;
        _telling = TellAsync();
        _answering = AnswerAsync();
    }

    /// <summary>Gives a last receipt, if the hub answers soon.</summary>
    public async ValueTask DisposeAsync()
    {
        _hub.Challenged -= Wake;
        await _stop.CancelAsync();
        await _telling;
        await _answering;
        using (var soon = new CancellationTokenSource(LastWord, _time))
        {
            await TryTellAsync(soon.Token);
        }

        _stop.Dispose();
        _challenged.Dispose();
    }

    private async Task TellAsync()
    {
        var schedule = new ReceiptSchedule(Now);
        try
        {
            while (true)
            {
                await Task.Delay(Look, _time, _stop.Token);
                var isComplete = _torrent.Status.IsComplete;
                if (schedule.IsDue(Now, isComplete))
                {
                    var isSaid = await TryTellAsync(_stop.Token);
                    schedule.Tried(Now, isComplete, isSaid);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The transfer ends.
        }
    }

    /// <returns>There is nothing left to tell for now.</returns>
    private async Task<bool> TryTellAsync(CancellationToken cancel)
    {
        try
        {
            if (_isOver || _book.ReadAgreed() is not { } agreed)
            {
                _unsent = null;
                return true;
            }

            var status = _torrent.Status;
            if (_ledger.Next(status.ReceivedFrom, status.IsComplete, _time.GetUtcNow()) is { } fields)
            {
                _unsent = _hub.Sign((identity, mine) => TransferReceipt.Sign(fields, identity, mine.Span));
                _book.Write(fields.Content, _unsent);
            }

            if (_unsent is { } unsent)
            {
                await _hub.Client.GiveReceiptAsync(unsent, agreed, cancel);
                _unsent = null;
            }

            return true;
        }
        catch (HubException error) when (!error.IsTemporary)
        {
            // It does not want this one, and would not want it the next time.
            _unsent = null;
            _isOver = error.Code is "receipts-off" or "not-agreed";
            _hub.Warn(
                "receipt-refused",
                $"the hub does not take our receipt: {error.Message}"
                    + (error.Code == "not-agreed" ? "; 'shoal member receipts --on' agrees to it" : "")
            );
            return true;
        }
        catch (Exception error) when (error is HubException or LocalMembershipException or OperationCanceledException)
        {
            return false;
        }
    }

    private void Wake()
    {
        try
        {
            _challenged.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is awake.
        }
    }

    private async Task AnswerAsync()
    {
        try
        {
            while (true)
            {
                await _challenged.WaitAsync(_stop.Token);
                try
                {
                    // Whoever agreed to sums only has not agreed to be asked by name.
                    if (_book.ReadAgreed() != ReceiptRetention.Signed)
                    {
                        continue;
                    }

                    var open = await _hub.Client.FetchChallengesAsync(
                        _entry.Fields.Id,
                        _entry.Fields.Version,
                        _stop.Token
                    );
                    foreach (var challenge in open)
                    {
                        await AnswerAsync(challenge, _stop.Token);
                    }
                }
                catch (Exception error) when (error is HubException or LocalMembershipException)
                {
                    // Who asks hears nothing, and asks again.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The transfer ends.
        }
    }

    /// <summary>Whatever the hub brings: only what the publisher or an administrator has signed, for us, and not too often.</summary>
    private async Task AnswerAsync(byte[] encoded, CancellationToken cancel)
    {
        var now = _time.GetUtcNow();
        if (
            _torrent.Metainfo is not { } metainfo
            || !CustodyChallenge.TryRead(encoded, _verifier, _hub.Revocations, out var challenge, out _)
            || !challenge.IsFor(_ourselves, _entry.Entry, now)
            || _answered.Contains(challenge.Id)
            || !_budget.TryTake(Now)
        )
        {
            return;
        }

        _answered.Add(challenge.Id);
        // What is being fetched or moved is no copy. Reading is work for the disk, and nothing of ours waits for it.
        var folder = _torrent.SaveDirectory;
        var digest = _torrent.Status.IsComplete
            ? await Task.Run(() => ContentProof.Answer(metainfo, folder, challenge, cancel), cancel)
            : null;
        var fields = challenge.Fields;
        _book.Note(
            new AnsweredChallenge(
                now,
                fields.Content.Entry,
                fields.Content.Version,
                challenge.Challenger.Member,
                fields.Blocks,
                digest is not null
            )
        );
        await _hub.Client.ReplyAsync(
            _hub.Sign((identity, mine) => CustodyAnswer.Sign(challenge, digest, now, identity, mine.Span)),
            cancel
        );
    }
}
