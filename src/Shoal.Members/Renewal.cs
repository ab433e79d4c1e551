using Shoal.Hub;

namespace Shoal.Members;

/// <summary>Asks the hub for the next certificate, and puts a key of our own in the place of one that was given.</summary>
public static class Renewal
{
    /// <summary>The hub's word for a membership whose file was used elsewhere first.</summary>
    public const string KeyReplaced = "key-replaced";

    /// <param name="local">Gets the certificate, and the key if it was given.</param>
    /// <param name="hub">As the member.</param>
    /// <param name="turn">Taken while the membership changes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="HubException">It could not be asked, or said no.</exception>
    /// <exception cref="LocalMembershipException">It could not be written.</exception>
    public static async Task RenewAsync(
        LocalMembership local,
        HubClient hub,
        Lock turn,
        TimeProvider time,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(local);
        ArgumentNullException.ThrowIfNull(hub);
        ArgumentNullException.ThrowIfNull(time);
        var next = local.HasGivenKey ? local.PrepareNextKey() : null;
        var answer = await hub.RenewAsync((next ?? local.Identity).CreateRequest(), cancel).ConfigureAwait(false);
        lock (turn)
        {
            local.Renew(answer, time.GetUtcNow(), next);
        }
    }
}
