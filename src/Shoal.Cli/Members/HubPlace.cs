using System.CommandLine;
using System.Net;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>Where a hub answers, and by which names it is reached: options of all commands that run one.</summary>
internal sealed class HubPlace
{
    private readonly Option<List<IPEndPoint>> _listen;
    private readonly Option<List<string>> _names;

    /// <param name="listen">Name of the option for endpoints.</param>
    /// <param name="host">Name of the option for names.</param>
    public HubPlace(string listen, string host)
    {
        _listen = Options.Values<IPEndPoint>(
            listen,
            "ADDR:PORT",
            $"Where to answer; :PORT is all addresses (default :{InvitationLink.DefaultPort})",
            "an address and port like 0.0.0.0:7450, [::]:7450 or :7450",
            EndPointText.TryParseListen
        );
        _names = Options.Values(
            host,
            "NAME",
            "A name or address by which members reach the hub; the first stands in invitations (default: this machine's address)",
            "a host name or address without a port",
            static (string text, out string value) =>
            {
                value = text;
                return IPAddress.TryParse(text, out _) || Uri.CheckHostName(text) == UriHostNameType.Dns;
            }
        );
    }

    /// <summary>The command adds them to a group of its help.</summary>
    public IEnumerable<Option> All => [_listen, _names];

    public bool IsGiven(ParseResult result) =>
        result.GetValue(_listen) is { Count: > 0 } || result.GetValue(_names) is { Count: > 0 };

    /// <param name="result">What was typed.</param>
    /// <param name="bound">Addresses that nothing may be opened beside; none: all are free.</param>
    public IReadOnlyList<IPEndPoint> Listen(ParseResult result, IReadOnlyList<IPAddress> bound) =>
        result.GetValue(_listen) is { Count: > 0 } given ? given
        : bound.Count > 0 ? [.. bound.Select(address => new IPEndPoint(address, InvitationLink.DefaultPort))]
        : [new IPEndPoint(MachineAddresses.Any, InvitationLink.DefaultPort)];

    public IReadOnlyList<string> Hosts(ParseResult result) =>
        result.GetValue(_names) is { Count: > 0 } names ? names : [MachineAddresses.Best().ToString()];
}
