using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>
/// Whom challenges wait for, so that a member learns of one with the answer that it waits for anyway. In memory; what counts is in
/// the store. Safe from any thread.
/// </summary>
internal sealed class ChallengeBook(ICustodyStore store, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<MemberId, List<TaskCompletionSource>> _waiting = [];
    private HashSet<MemberId> _challenged = [];
    private long _asked;
    private long _taken;

    public bool IsChallenged(MemberId member)
    {
        lock (_lock)
        {
            return _challenged.Contains(member);
        }
    }

    /// <summary>Looks whom challenges wait for, and wakes them. Another hub may have taken some.</summary>
    public async Task RefreshAsync(CancellationToken cancellation)
    {
        long number;
        lock (_lock)
        {
            number = ++_asked;
        }

        var challenged = await store.ListChallengedAsync(time.GetUtcNow(), cancellation).ConfigureAwait(false);
        var awake = new List<TaskCompletionSource>();
        lock (_lock)
        {
            // Whoever asked the store later and was answered sooner knows more.
            if (number < _taken)
            {
                return;
            }

            _taken = number;
            _challenged = [.. challenged];
            foreach (var member in challenged)
            {
                if (_waiting.Remove(member, out var signals))
                {
                    awake.AddRange(signals);
                }
            }
        }

        awake.ForEach(signal => signal.TrySetResult());
    }

    /// <summary>Waits for a challenge of a member until it is disposed of. Several can wait for the same member.</summary>
    public Waiter Wait(MemberId member)
    {
        var signal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_challenged.Contains(member))
            {
                signal.SetResult();
            }
            else if (_waiting.TryGetValue(member, out var signals))
            {
                signals.Add(signal);
            }
            else
            {
                _waiting.Add(member, [signal]);
            }
        }

        return new Waiter(this, member, signal);
    }

    private void Leave(MemberId member, TaskCompletionSource signal)
    {
        lock (_lock)
        {
            if (_waiting.TryGetValue(member, out var signals) && signals.Remove(signal) && signals.Count == 0)
            {
                _waiting.Remove(member);
            }
        }
    }

    /// <summary>A place among those who wait.</summary>
    internal sealed class Waiter(ChallengeBook book, MemberId member, TaskCompletionSource signal) : IDisposable
    {
        /// <summary>Ends when there is a challenge.</summary>
        public Task WhenChallenged => signal.Task;

        public void Dispose() => book.Leave(member, signal);
    }
}
