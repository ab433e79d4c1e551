using Shoal.Engine;
using Shoal.Hub;

namespace Shoal.Cli;

/// <summary>Asks hubs, and turns what goes wrong into one line for the user.</summary>
internal static class HubCalls
{
    /// <summary>The way out to a hub: as the engine's, so that what the user decided about it holds here too.</summary>
    public static HubConnect Connect(OutboundNetwork network) =>
        async (host, port, cancel) => (await network.ConnectAsync(host, port, _ => null, cancel)).Stream;

    /// <exception cref="UserErrorException">The hub could not be asked, or said no; or the membership is not usable.</exception>
    public static async Task<T> DoAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (HubException error)
        {
            throw new UserErrorException(error.Code, error.Message);
        }
        catch (LocalMembershipException error)
        {
            throw new UserErrorException(error.Code, error.Message);
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
