using System.CommandLine;
using Shoal.Engine;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>Which of the user's memberships a command is about: its option, and what it leads to.</summary>
internal sealed class MembershipChoice
{
    private readonly CliHost _host;
    private readonly NetworkOptions _network;

    /// <param name="host">Where the command runs.</param>
    /// <param name="command">Gets the options of the network.</param>
    /// <param name="use">What it needs the network for.</param>
    public MembershipChoice(CliHost host, ShoalCommand command, NetworkUse use = NetworkUse.Hub)
    {
        _host = host;
        _network = new NetworkOptions(command, use);
    }

    /// <param name="host">Where the command runs.</param>
    /// <param name="network">The options that the command has anyway.</param>
    /// <param name="option">The option by which it names the hub.</param>
    public MembershipChoice(CliHost host, NetworkOptions network, Option<string?> option) =>
        (_host, _network, Option) = (host, network, option);

    /// <summary>The command adds it to a group of its help.</summary>
    public Option<string?> Option { get; } =
        Options.Text(
            "--hub",
            "URL",
            "The hub, as https://HOST:PORT or HOST:PORT, or the publication's id (default: the only one that was joined)"
        );

    public NetworkOptions Network => _network;

    public string StateDirectory(ParseResult result) => _network.StateDirectory(result, _host);

    /// <summary>The caller disposes of it.</summary>
    /// <exception cref="UserErrorException">There is none, or more than one.</exception>
    public LocalMembership Load(ParseResult result)
    {
        var folders = LocalMembership.FoldersIn(StateDirectory(result));
        var wanted = result.GetValue(Option);
        var found = wanted is null ? folders : [.. folders.Where(folder => Matches(folder, wanted))];
        return found.Count switch
        {
            1 => Open(found[0]),
            0 when wanted is not null => throw new UserErrorException(
                "not-a-member",
                $"--hub {wanted}: you are no member there; 'shoal join' makes you one"
            ),
            0 => throw new UserErrorException(
                "not-a-member",
                "you are no member of any publication yet; 'shoal join LINK' makes you one"
            ),
            _ => throw UserErrorException.Usage(
                $"you are a member of {found.Count} publications: say which with --hub ("
                    + string.Join(", ", found.Select(folder => Open(folder).Hub.ToString()))
                    + ")"
            ),
        };
    }

    public HubConnect Connect(ParseResult result) =>
        HubCalls.Connect(RunningEngine.Network(_network.Engine(result, _host)));

    /// <summary>Asks the hub as the member.</summary>
    /// <exception cref="UserErrorException">Anything that went wrong.</exception>
    public async Task<T> AskAsync<T>(ParseResult result, Func<HubClient, LocalMembership, Task<T>> work)
    {
        using var membership = Load(result);
        if (membership.Grant.NotAfter < _host.Time.GetUtcNow())
        {
            throw new UserErrorException(
                "certificate-expired",
                $"your certificate of {membership.Hub} expired on {membership.Grant.NotAfter:yyyy-MM-dd}: ask for a new invitation"
            );
        }

        return await HubCalls.DoAsync(async () =>
        {
            using var client = HubClient.Of(membership, Connect(result), _host.Time);
            return await work(client, membership);
        });
    }

    /// <exception cref="UserErrorException">It cannot be read.</exception>
    public static LocalMembership Open(string folder)
    {
        try
        {
            return LocalMembership.Load(folder);
        }
        catch (LocalMembershipException error)
        {
            throw new UserErrorException(error.Code, error.Message);
        }
    }

    private static bool Matches(string folder, string wanted)
    {
        if (PublicationId.TryParse(wanted, out var id))
        {
            return Path.GetFileName(folder) == id.ToString();
        }

        if (!HubAddress.TryParse(wanted, out var address))
        {
            throw UserErrorException.Usage($"--hub: '{wanted}' is neither https://HOST:PORT nor a publication's id");
        }

        using var membership = Open(folder);
        return string.Equals(membership.Hub.ToString(), address.ToString(), StringComparison.OrdinalIgnoreCase);
    }
}
