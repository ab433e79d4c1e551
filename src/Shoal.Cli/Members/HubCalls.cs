using Shoal.Engine;
using Shoal.Hub;
using Shoal.Members;

namespace Shoal.Cli;

/// <summary>Asks hubs, and turns what goes wrong into one line for the user.</summary>
internal static class HubCalls
{
    /// <inheritdoc cref="HubWay"/>
    public static HubConnect Connect(OutboundNetwork network) => HubWay.By(network);

    /// <exception cref="UserErrorException">The hub could not be asked, or said no; or the membership is not usable.</exception>
    public static async Task<T> DoAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (HubException error) when (error.Code == "certificate-revoked")
        {
            throw MembershipEnd.Revoked();
        }
        catch (HubException error)
        {
            throw new UserErrorException(error.Code, error.Message);
        }
        catch (LocalMembershipException error)
        {
            throw new UserErrorException(error.Code, error.Message);
        }
        catch (CatalogueException error)
        {
            throw new UserErrorException(error.Code, error.Message);
        }
    }

    /// <summary>
    /// Asks the hub as the member. Where it says that the role is not enough, a new certificate is asked for first: the role may have
    /// become another.
    /// </summary>
    /// <inheritdoc cref="DoAsync{T}"/>
    public static Task<T> AsMemberAsync<T>(
        LocalMembership membership,
        HubConnect connect,
        TimeProvider time,
        Func<HubClient, Task<T>> work,
        CancellationToken cancel
    ) =>
        DoAsync(async () =>
        {
            using var hub = HubClient.Of(membership, connect, time);
            var role = membership.Grant.Role;
            try
            {
                return await work(hub);
            }
            catch (HubException refused) when (refused.Code == "role-needed")
            {
                await Renewal.RenewAsync(membership, hub, new Lock(), time, cancel);
                if (membership.Grant.Role == role)
                {
                    throw;
                }
            }

            using var again = HubClient.Of(membership, connect, time);
            return await work(again);
        });

    /// <exception cref="UserErrorException">A membership is not usable, or the catalogue has no such entry.</exception>
    public static T Do<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (LocalMembershipException error)
        {
            throw new UserErrorException(error.Code, error.Message);
        }
        catch (CatalogueException error)
        {
            throw new UserErrorException(error.Code, error.Message);
        }
    }

    /// <exception cref="UserErrorException">The file or folder could not be written.</exception>
    public static void Write(string path, Action work)
    {
        try
        {
            work();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException("cannot-write", $"{path}: {TorrentFile.Reason(error)}");
        }
    }

    /// <inheritdoc cref="DoAsync{T}"/>
    public static Task DoAsync(Func<Task> work) =>
        DoAsync(async () =>
        {
            await work();
            return 0;
        });
}
