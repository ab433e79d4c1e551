using Shoal.Api;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;

namespace Shoal.Daemon;

// The end of a membership that its member wants.
internal sealed partial class DaemonMembership
{
    private bool _isLeaving;

    /// <summary>Its member gave it up: there is none, until somebody joins anew.</summary>
    public bool IsLeft { get; private set; }

    /// <summary>
    /// Gives the membership up. The hub ends it, if it can be asked; then key, certificate and all that was kept are deleted,
    /// whatever becomes of the torrents. It stays as long as the engine may have its <see cref="Membership"/>, and is opened
    /// again when somebody joins anew.
    /// </summary>
    /// <param name="wish">What is wanted.</param>
    /// <param name="letGo">Stops its torrents, which learn why they may not go on.</param>
    /// <returns>What it means that the hub does not know; null: it does.</returns>
    /// <exception cref="HubException">The hub says that it shall not end, or not now. All goes on.</exception>
    /// <exception cref="LocalMembershipException">It cannot be deleted, and goes on.</exception>
    public async Task<string?> LeaveAsync(LeavingWish wish, Func<string, Task> letGo)
    {
        lock (_lock)
        {
            // The list that says so comes back to us by hub and members: it is no news.
            _isLeaving = true;
        }

        string? problem;
        try
        {
            problem = await EndAsync(wish).ConfigureAwait(false);
        }
        catch (HubException)
        {
            GoOn();
            throw;
        }

        Task[] ending;
        lock (_lock)
        {
            (_state, _problem) = (MembershipState.Ended, MembershipWords.Left);
            Unfollow();
            ending = [.. _ending];
        }

        try
        {
            await letGo(MembershipWords.Left).ConfigureAwait(false);
        }
        finally
        {
            // Nobody writes into the folder any more.
            await Task.WhenAll(ending).ConfigureAwait(false);
            Forget();
        }

        return problem;
    }

    /// <summary>Ends it at the hub.</summary>
    /// <returns>What it means that the hub does not know; null: it does.</returns>
    private async Task<string?> EndAsync(LeavingWish wish)
    {
        MembershipSummary? known;
        HubFollower? follower;
        string? why;
        lock (_lock)
        {
            if (_state == MembershipState.Ended)
            {
                return null;
            }

            (known, follower, why) = (Look(), _follower, _problem);
        }

        if (follower is not null)
        {
            using var hub = follower.CreateClient();
            why = await Leaving.TryEndAsync(hub, wish, time, CancellationToken.None).ConfigureAwait(false);
        }

        return why is not null && known is { Grant: var grant } ? Leaving.NotTold(grant, why) : why;
    }

    /// <summary>It was not left.</summary>
    private void GoOn()
    {
        bool hasEnded;
        lock (_lock)
        {
            _isLeaving = false;
            // What was heard meanwhile was taken for our own doing.
            hasEnded =
                _state == MembershipState.Active && _membership!.Revocations?.Covers(_membership.Grant.Member) == true;
        }

        if (hasEnded)
        {
            Revoked();
        }
    }

    private void Forget()
    {
        lock (_lock)
        {
            _isLeaving = false;
            _local = null;
            try
            {
                LocalMembership.Forget(folder);
                IsLeft = true;
            }
            catch (LocalMembershipException error)
            {
                (_state, _problem) = (MembershipState.Unusable, error.Message);
                throw;
            }
        }
    }
}
