using Shoal.Api;
using Shoal.Hub;
using Shoal.Members;

namespace Shoal.Daemon;

// Invitations that need no hub.
internal sealed partial class MembershipBook
{
    /// <summary>Accepts the invitation in a file.</summary>
    /// <param name="file">What is in it. Neither it nor the passphrase stands in any message or file of ours.</param>
    /// <param name="passphrase">What it lies under.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="ApiException">It is none, or not for now, or the passphrase is another.</exception>
    public async Task<DaemonMembership> JoinAsync(
        ReadOnlyMemory<byte> file,
        string passphrase,
        CancellationToken cancel
    )
    {
        await _turn.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            Refresh();
            var joining = new FileJoining(HubWay.By(network), time)
            {
                Replaced = (message, _) => Warned(Renewal.KeyReplaced, message),
            };
            var invitation = await Task.Run(() => joining.Open("the file", file, KeyProtection.Of(passphrase)), cancel)
                .ConfigureAwait(false);
            var publication = invitation.Authority.Publication.ToString();
            if (Present(publication, out var isOver) is { } known)
            {
                known.Keep(invitation.Content);
                return known;
            }

            using (await joining.JoinAsync(invitation, null, stateDirectory, cancel, isOver).ConfigureAwait(false))
            {
                // On the disk now; it is read again from there, as after a restart.
            }

            return Get(publication);
        }
        catch (LocalMembershipException error)
        {
            throw error.Code switch
            {
                "wrong-passphrase" => new ApiException(
                    403,
                    "wrong-passphrase",
                    "this is not the passphrase of the file, or the file was changed"
                )
                {
                    Key = "passphrase",
                },
                "bad-invitation" or "damaged" => new ApiException(400, "bad-invitation", error.Message)
                {
                    Key = "file",
                },
                _ => new ApiException(500, "membership-unusable", error.Message),
            };
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The membership that is there and stays; null: there is none, or none that is of use.</summary>
    /// <param name="publication">Whose.</param>
    /// <param name="isOver">It has ended, whatever the disk says.</param>
    /// <exception cref="ApiException">It is locked, or there are too many.</exception>
    private DaemonMembership? Present(string publication, out bool isOver)
    {
        var known = _all.GetValueOrDefault(publication);
        isOver = known?.State == MembershipState.Ended;
        return known?.State switch
        {
            MembershipState.Active => known,
            MembershipState.Locked => throw new ApiException(
                409,
                "membership-locked",
                "the daemon is a member there, and the key lies under a passphrase: 'shoal member unlock' tells it"
            ),
            null when _all.Count(one => !one.Value.IsLeft) >= MaxMemberships => throw new ApiException(
                507,
                "too-many-memberships",
                $"there are {MaxMemberships} memberships"
            ),
            _ => null,
        };
    }
}
