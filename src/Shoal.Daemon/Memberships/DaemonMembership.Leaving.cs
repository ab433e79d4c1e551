using Shoal.Api;
using Shoal.Hub;
using Shoal.Members;

namespace Shoal.Daemon;

// The end of a membership that its member wants.
internal sealed partial class DaemonMembership
{
    private bool _isLeaving;

    /// <summary>Its member gave it up: there is none, until somebody joins anew.</summary>
    public bool IsLeft { get; private set; }

    /// <summary>
    /// Gives the membership up. The hub hears that we go if it answers soon; then key, certificate and all that was kept are deleted,
    /// whatever becomes of the torrents. It stays as long as the engine may have its <see cref="Membership"/>, and is opened
    /// again when somebody joins anew.
    /// </summary>
    /// <param name="letGo">Stops its torrents, which learn why they may not go on.</param>
    /// <exception cref="LocalMembershipException">It cannot be deleted, and goes on.</exception>
    public async Task LeaveAsync(Func<string, Task> letGo)
    {
        Task[] ending;
        lock (_lock)
        {
            (_isLeaving, _state, _problem) = (true, MembershipState.Ended, MembershipWords.Left);
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
