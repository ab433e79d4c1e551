using Shoal.Engine;
using Shoal.Hub;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Members;

// Proves that a copy is here, to who may ask.
public sealed partial class CustodyFollower
{
    /// <summary>Challenges that were answered and would still be taken: so many at most, by <see cref="AnswerBudget"/>.</summary>
    private static readonly int MaxAnswered =
        CustodyLimits.AnswersPerHour * ((int)(CustodyLimits.MaxSkew + CustodyLimits.MaxLifetime).TotalHours + 1);

    private readonly AnswerBudget _budget = new();
    private readonly Queue<Sha256Digest> _answered = new();
    private readonly SemaphoreSlim _challenged = new(0, 1);
    private Task _answering = Task.CompletedTask;

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
                await _challenged.WaitAsync(_stop.Token).ConfigureAwait(false);
                try
                {
                    await AnswerAllAsync(_stop.Token).ConfigureAwait(false);
                }
                catch (Exception error) when (error is HubException or LocalMembershipException)
                {
                    // Who asks hears nothing, and asks again.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The membership is not followed any more.
        }
    }

    private async Task AnswerAllAsync(CancellationToken cancel)
    {
        // Whoever agreed to sums only has not agreed to be asked by name.
        if (_book.ReadAgreed() != ReceiptRetention.Signed)
        {
            return;
        }

        await _turn.WaitAsync(cancel).ConfigureAwait(false);
        IReadOnlyList<CustodyItem> items;
        try
        {
            items = Items;
            foreach (var item in items)
            {
                item.Entry ??= await _entries.FindAsync(item.Torrent.InfoHashes, Now, cancel).ConfigureAwait(false);
            }
        }
        finally
        {
            _turn.Release();
        }

        items = [.. items.Where(item => item.Entry is not null)];
        if (items.Count == 0)
        {
            return;
        }

        // Where it is about one thing only, what is asked about others is left to other programs of this member.
        var only = items.Count == 1 ? items[0].Entry!.Fields : null;
        var open = await _hub.Client.FetchChallengesAsync(only?.Id, only?.Version ?? 0, cancel).ConfigureAwait(false);
        foreach (var challenge in open)
        {
            await AnswerAsync(challenge, items, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Whatever the hub brings: only what the publisher or an administrator has signed, for us, and not too often.</summary>
    private async Task AnswerAsync(byte[] encoded, IReadOnlyList<CustodyItem> items, CancellationToken cancel)
    {
        var now = _time.GetUtcNow();
        if (
            !CustodyChallenge.TryRead(encoded, _verifier, _hub.Revocations, out var challenge, out _)
            || items.FirstOrDefault(item => challenge.IsFor(_ourselves, item.Entry!.Entry, now)) is not { } asked
            || _answered.Contains(challenge.Id)
            || !_budget.TryTake(Now)
        )
        {
            return;
        }

        _answered.Enqueue(challenge.Id);
        if (_answered.Count > MaxAnswered)
        {
            _answered.Dequeue();
        }

        // What is being fetched or moved is no copy. Reading is work for the disk, and nothing of ours waits for it.
        var digest =
            asked.IsKnown && asked.HasAll
                ? await Task.Run(() => ContentProof.Answer(asked.Torrent, challenge, cancel), cancel)
                    .ConfigureAwait(false)
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
        await _hub
            .Client.ReplyAsync(
                _hub.Sign((identity, mine) => CustodyAnswer.Sign(challenge, digest, now, identity, mine.Span)),
                cancel
            )
            .ConfigureAwait(false);
    }
}
