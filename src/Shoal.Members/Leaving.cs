using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.Members;

/// <summary>What a member wants when it gives its membership up.</summary>
/// <param name="WithPublished">What it has in the catalogue leaves it too.</param>
/// <param name="OnlyHere">The hub is not told: the membership goes on there, without a key.</param>
public readonly record struct LeavingWish(bool WithPublished, bool OnlyHere);

/// <summary>Gives a membership up at its hub, which tells all others.</summary>
public static class Leaving
{
    /// <summary>How long the hub may take: the membership is forgotten here whether it answers or not.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    /// <summary>Ends the membership at the hub.</summary>
    /// <param name="hub">As the member.</param>
    /// <param name="wish">What is wanted.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancel">Gives up.</param>
    /// <returns>Null: it has ended. Else why the hub does not know, though it would be in vain to wait.</returns>
    /// <exception cref="HubException">The hub says that it shall not end, or not now: nothing should be deleted.</exception>
    public static async Task<string?> TryEndAsync(
        HubClient hub,
        LeavingWish wish,
        TimeProvider time,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(hub);
        if (wish.OnlyHere)
        {
            return "as you wished";
        }

        using var soon = new CancellationTokenSource(Soon, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, soon.Token);
        try
        {
            await hub.LeaveAsync(new LeaveRequest(wish.WithPublished), either.Token).ConfigureAwait(false);
            return null;
        }
        catch (HubException error) when (error.Code == "certificate-revoked")
        {
            // An administrator was first, or our own call whose answer was lost.
            return null;
        }
        catch (HubException error)
            when (error.Code is "has-published" or "last-administrator"
                || (error.IsTemporary && error.Code != "hub-unreachable")
            )
        {
            throw;
        }
        catch (HubException error)
        {
            return error.Message;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return "it does not answer";
        }
    }

    /// <summary>What the user is told when the hub goes on counting him as a member.</summary>
    /// <param name="grant">The membership that was.</param>
    /// <param name="why">The hub does not know.</param>
    public static string NotTold(in MemberGrant grant, string why) =>
        $"the hub was not told ({why}), so the membership goes on there; if others may have its key, ask an administrator to "
        + $"shut out {grant.Member}";
}
