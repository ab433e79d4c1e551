using System.Globalization;
using System.Text.RegularExpressions;

namespace Shoal.InteropTests;

/// <summary>Counts, and stops, what leaves a machine of the lab and should not.</summary>
internal sealed partial class Firewall
{
    private readonly Host _host;

    private Firewall(Host host) => _host = host;

    /// <summary>From now on TCP and UDP leave the host only as <paramref name="allowed"/> says; loopback does not leave.</summary>
    /// <param name="host">Whose packets.</param>
    /// <param name="allowed">An expression of nftables, for example <c>ip daddr 10.99.0.2</c>.</param>
    public static async Task<Firewall> AllowOnlyAsync(Host host, string allowed)
    {
        await host.RunAsync(
            "nft",
            $$"""
            add table inet lab
            add chain inet lab out { type filter hook output priority 0; }
            add rule inet lab out oifname "lo" accept
            add rule inet lab out {{allowed}} accept
            add rule inet lab out meta l4proto tcp counter drop comment "tcp"
            add rule inet lab out meta l4proto udp counter drop comment "udp"
            """
        );
        return new Firewall(host);
    }

    /// <summary>Packets that would have left against the rule.</summary>
    /// <param name="protocol">tcp or udp; null: both.</param>
    public async Task<long> LeakedAsync(string? protocol = null)
    {
        var rules = Packets().Matches(await _host.RunAsync("nft", "list", "chain", "inet", "lab", "out"));
        Assert.Equal(2, rules.Count);
        return rules
            .Where(rule => protocol is null || rule.Groups[2].Value == protocol)
            .Sum(rule => long.Parse(rule.Groups[1].Value, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex("counter packets (\\d+).*comment \"(\\w+)\"")]
    private static partial Regex Packets();
}
