using System.CommandLine;
using Shoal.Engine;
using Shoal.Hub;

namespace Shoal.Cli;

/// <summary>A hub that runs in the process of the command that publishes with it.</summary>
internal sealed class OwnHub
{
    private readonly CliHost _host;
    private readonly HubPlace _place = new("--hub-listen", "--hub-host");
    private readonly PassphraseOption _passphrase = new("the authority's key", "--authority-passphrase-file");

    private readonly Option<bool> _wanted = Options.Flag(
        "--with-hub",
        "Run the hub too, while this command runs; what 'shoal hub' made in the same state folder goes on"
    );

    public OwnHub(CliHost host, ShoalCommand command)
    {
        _host = host;
        command.AddGroup("The hub in the same process", [_wanted, .. _place.All, _passphrase.Option]);
    }

    public bool IsWanted(ParseResult result) => result.GetValue(_wanted);

    /// <exception cref="UserErrorException">An option is given that means nothing without --with-hub.</exception>
    public void RefuseAlone(ParseResult result)
    {
        if (!IsWanted(result) && (_place.IsGiven(result) || _passphrase.IsGiven(result)))
        {
            throw UserErrorException.Usage(
                $"--hub-listen, --hub-host and {_passphrase.Option.Name} go with {_wanted.Name}"
            );
        }
    }

    /// <summary>Starts it, and says where it is.</summary>
    /// <returns>The caller disposes of it.</returns>
    /// <exception cref="UserErrorException">It cannot be started.</exception>
    public async Task<HubServer> StartAsync(
        ParseResult result,
        EngineOptions engine,
        bool json,
        CancellationToken cancel
    )
    {
        if (engine.BindInterfaces.Count > 0 && !_place.IsGiven(result))
        {
            throw UserErrorException.Usage(
                "with --bind INTERFACE say where the hub shall answer: --hub-listen ADDR:PORT"
            );
        }

        var folder = Path.Combine(engine.StateDirectory, "hub");
        var options = new HubOptions
        {
            Listen = _place.Listen(result, engine.Bind),
            Hosts = _place.Hosts(result),
            Folder = folder,
            Protection = HubStarting.Protection(folder, _passphrase, result, _host),
            Time = _host.Time,
        };
        var (server, address) = await HubStarting.StartAsync(_host, options, engine.StateDirectory, cancel);
        var publication = server.Publication.ToString();
        if (json)
        {
            JsonOutput.Write(
                _host.Out,
                new OwnHubLine($"https://{address}", publication),
                HubJsonOutput.Context.OwnHubLine
            );
            return server;
        }

        _host.Out.WriteLine($"Hub at https://{address}");
        _host.Out.WriteLine($"Publication {publication}");
        _host.Out.Flush();
        return server;
    }
}
