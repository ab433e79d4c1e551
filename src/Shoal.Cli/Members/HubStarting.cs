using System.CommandLine;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>Starts a hub, and makes whoever starts it its first administrator.</summary>
internal static class HubStarting
{
    /// <returns>The hub, and where members reach it. The caller disposes of it.</returns>
    /// <exception cref="UserErrorException">Keys, store or endpoint cannot be used.</exception>
    public static async Task<(HubServer Server, HubAddress Address)> StartAsync(
        CliHost host,
        HubOptions options,
        string stateDirectory,
        CancellationToken cancel
    )
    {
        HubServer server;
        try
        {
            server = await HubServer.StartAsync(options, cancel);
        }
        catch (HubStoreException error)
        {
            throw new UserErrorException("hub-unusable", error.Message.TrimEnd('.'));
        }
        catch (IOException error)
        {
            throw new UserErrorException("cannot-listen", error.Message.TrimEnd('.'));
        }

        try
        {
            var address = new HubAddress(options.Hosts[0], server.EndPoints[0].Port);
            await MakeAdministratorAsync(host, server, address, stateDirectory, cancel);
            return (server, address);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Of an authority's key that lies under a passphrase; null: it does not, or there is none yet.</summary>
    /// <exception cref="UserErrorException">Nobody can be asked, or it cannot be read.</exception>
    public static KeyProtection? Protection(
        string folder,
        PassphraseOption passphrase,
        ParseResult result,
        CliHost host
    ) =>
        HubCalls.Do(() =>
            HubKeys.IsProtected(folder)
                ? KeyProtection.Of(passphrase.Read(result, host, "Passphrase of the authority's key: "))
                : null
        );

    /// <summary>Unless somebody of this machine's user is a member already.</summary>
    private static async Task MakeAdministratorAsync(
        CliHost host,
        HubServer server,
        HubAddress address,
        string stateDirectory,
        CancellationToken cancel
    )
    {
        var folder = LocalMembership.FolderOf(stateDirectory, server.Publication);
        if (LocalMembership.IsIn(folder))
        {
            var known = MembershipChoice.Look(folder);
            if (known.Hub == address && known.Grant.NotAfter > host.Time.GetUtcNow() && known.HasKey)
            {
                return;
            }

            if (known.IsProtected)
            {
                throw new UserErrorException(
                    "certificate-expired",
                    "the first administrator's certificate has expired or names another hub, and its key lies under a "
                        + $"passphrase: 'shoal member forget --hub {known.Hub}', then start the hub again"
                );
            }
        }

        await HubCalls.DoAsync(async () =>
        {
            var identity = MemberIdentity.Create();
            var answer = await server.AddMemberAsync(
                identity.CreateRequest(),
                Environment.UserName,
                MemberRole.Administrator,
                cancel
            );
            using var membership = LocalMembership.Create(
                folder,
                server.Publication,
                identity,
                answer,
                address,
                host.Time.GetUtcNow()
            );
        });
    }
}
