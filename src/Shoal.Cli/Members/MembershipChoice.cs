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
    private readonly PassphraseOption _passphrase = new("your key");

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
    /// <param name="passphrase">The option for the passphrase of the key.</param>
    public MembershipChoice(
        CliHost host,
        NetworkOptions network,
        Option<string?> option,
        PassphraseOption passphrase
    ) => (_host, _network, Option, _passphrase) = (host, network, option, passphrase);

    /// <summary>The command adds them to a group of its help.</summary>
    public IEnumerable<Option> All => [Option, _passphrase.Option];

    /// <summary>Names the hub.</summary>
    public Option<string?> Option { get; } =
        Options.Text(
            "--hub",
            "URL",
            "The hub, as https://HOST:PORT or HOST:PORT, or the publication's id (default: the only one that was joined)"
        );

    public NetworkOptions Network => _network;

    /// <summary>Whose it is, where the command knows; null: what was typed decides.</summary>
    public PublicationId? Only { get; init; }

    public string StateDirectory(ParseResult result) => _network.StateDirectory(result, _host);

    /// <summary>Whether somebody could tell the passphrase of a key that lies under one.</summary>
    public bool CanAsk(ParseResult result) => _passphrase.IsGiven(result) || _host.IsInputTerminal;

    /// <summary>The caller disposes of it.</summary>
    /// <exception cref="UserErrorException">There is none, or more than one.</exception>
    public LocalMembership Load(ParseResult result) => Open(Find(result), _passphrase.Asking(result, _host));

    /// <inheritdoc cref="Load"/>
    /// <exception cref="UserErrorException">Also: its certificate has expired.</exception>
    public LocalMembership LoadGood(ParseResult result)
    {
        // Before a passphrase is asked for in vain.
        var known = Look(Find(result));
        return known.Grant.NotAfter < _host.Time.GetUtcNow() ? throw MembershipEnd.Expired(known) : Load(result);
    }

    /// <summary>Where it lies.</summary>
    /// <exception cref="UserErrorException">There is none, or more than one.</exception>
    public string Find(ParseResult result)
    {
        var folders = LocalMembership.FoldersIn(StateDirectory(result));
        var wanted = Only?.ToString() ?? result.GetValue(Option);
        var found = wanted is null ? folders : [.. folders.Where(folder => Matches(folder, wanted))];
        return found.Count switch
        {
            1 => found[0],
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
                    + string.Join(", ", found.Select(folder => Look(folder).Hub.ToString()))
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
        using var membership = LoadGood(result);
        return await HubCalls.AsMemberAsync(
            membership,
            Connect(result),
            _host.Time,
            client => work(client, membership),
            CancellationToken.None
        );
    }

    /// <exception cref="UserErrorException">It cannot be read.</exception>
    public static LocalMembership Open(string folder, Func<KeyProtection>? ask) =>
        HubCalls.Do(() => LocalMembership.Load(folder, ask));

    /// <exception cref="UserErrorException">It cannot be read.</exception>
    public static MembershipSummary Look(string folder) => HubCalls.Do(() => LocalMembership.Look(folder));

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

        return string.Equals(Look(folder).Hub.ToString(), address.ToString(), StringComparison.OrdinalIgnoreCase);
    }
}
