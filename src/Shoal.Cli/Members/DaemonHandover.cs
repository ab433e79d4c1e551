using System.CommandLine;
using System.Net;
using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Cli;

/// <summary>Lets the daemon of the same state folder do what a command would do itself. Both have the same memberships.</summary>
internal sealed class DaemonHandover(CliHost host)
{
    /// <summary>The command adds it to a group of its help.</summary>
    public Option<bool> Option { get; } =
        Options.Flag(
            "--in-daemon",
            "Let the running daemon (shoal daemon, with the same --state) do it, and end at once"
        );

    public bool IsWanted(ParseResult result) => result.GetValue(Option);

    /// <summary>Calls the daemon of a state folder.</summary>
    /// <exception cref="UserErrorException">It does not run, or refuses.</exception>
    public static async Task<T> CallAsync<T>(string stateDirectory, Func<DaemonClient, Task<T>> work)
    {
        using var client = new DaemonClient(DaemonAddress.OfState(stateDirectory));
        try
        {
            return await work(client);
        }
        catch (DaemonException error)
        {
            throw DaemonAccess.Explain(error, isLocal: true);
        }
    }

    /// <summary>Has the daemon of a state folder do what concerns it too.</summary>
    /// <returns>False: none runs, so the command does it alone.</returns>
    /// <exception cref="UserErrorException">It refuses.</exception>
    public static async Task<bool> TryAsync(string stateDirectory, Func<DaemonClient, Task> work)
    {
        try
        {
            return await CallAsync(
                stateDirectory,
                async client =>
                {
                    await work(client);
                    return true;
                }
            );
        }
        catch (UserErrorException error) when (error.Code == "no-daemon")
        {
            return false;
        }
    }

    /// <summary>Adds a torrent to the daemon's list, and says so.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> AddAsync(string stateDirectory, AddTorrent wish, bool json, CancellationToken cancel)
    {
        var item = await CallAsync(stateDirectory, client => client.AddAsync(wish, cancel));
        new DaemonOutput(host, json).Say(
            "added",
            item,
            ApiJson.Default.TorrentItem,
            () =>
                $"The daemon has {item.Name} ({item.Id[..8]}), in {item.SaveDirectory}; 'shoal list' shows how far it is"
        );
        return ExitCode.Done;
    }

    /// <summary>Peers as the API wants them: by address.</summary>
    public static async Task<IReadOnlyList<string>> AddressesAsync(
        IReadOnlyList<DnsEndPoint> peers,
        OutboundNetwork network,
        CancellationToken cancel
    )
    {
        var found = new List<string>();
        foreach (var peer in peers)
        {
            foreach (var address in await network.ResolveAsync(peer.Host, cancel))
            {
                found.Add(new IPEndPoint(address, peer.Port).ToString());
            }
        }

        return found;
    }
}
