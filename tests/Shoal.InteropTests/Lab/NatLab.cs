using System.Runtime.CompilerServices;

namespace Shoal.InteropTests;

/// <summary>How a router of a <see cref="NatLab"/> names to the world the ports of those behind it.</summary>
internal enum NatKind
{
    /// <summary>
    /// As a router with Linux: the same port outside as inside while it is free, whoever is called; what comes from outside is
    /// let in only from an address and port that was called from there.
    /// </summary>
    KeepsPorts,

    /// <summary>Another port outside, always the same one for the same port inside.</summary>
    ChangesPorts,

    /// <summary>Another port outside for each address that is called: nobody can know where to call back.</summary>
    Random,
}

/// <summary>
/// Two homes on an internet of their own: hosts with public addresses, and hosts behind routers that translate addresses and
/// let nothing in.
/// </summary>
internal sealed class NatLab : IAsyncDisposable
{
    /// <summary>Public addresses: of these the rules for local networks do not speak. The namespaces lead nowhere.</summary>
    private const string Internet = "20.99.0";

    /// <summary>What a router that changes ports makes of <see cref="Host.Port"/>, for UDP.</summary>
    public const int ChangedPort = 40_881;

    private int _homes;

    private NatLab(Lab lab) => Lab = lab;

    public Lab Lab { get; }

    public static async Task<NatLab> CreateAsync([CallerMemberName] string test = "") =>
        new(await Lab.CreateAsync(test, Internet));

    /// <summary>A host with a public address.</summary>
    public Task<Host> AddPublicAsync(string name) => Lab.AddHostAsync(name);

    /// <summary>A router with a public address, and one host behind it.</summary>
    public async Task<Home> AddHomeAsync(string name, NatKind kind)
    {
        var router = await Lab.AddHostAsync($"{name}-router");
        var inside = await Lab.AddHostBehindAsync(router, name, $"192.168.{++_homes}");
        await router.RunAsync("sysctl", "-qw", "net.ipv4.ip_forward=1");
        var translation = kind switch
        {
            NatKind.Random => "oifname \"eth0\" masquerade random,fully-random",
            NatKind.ChangesPorts => $"oifname \"eth0\" udp sport {Host.Port} snat to {router.Address}:{ChangedPort}\n"
                + "add rule ip nat out oifname \"eth0\" masquerade",
            _ => "oifname \"eth0\" masquerade",
        };
        // What comes unasked must leave no trace: else the same port would not be free for the answer to it.
        await router.RunAsync(
            "nft",
            $$"""
            add table ip nat
            add chain ip nat out { type nat hook postrouting priority 100; }
            add rule ip nat out {{translation}}
            add table ip filter
            add chain ip filter in { type filter hook input priority 0; }
            add rule ip filter in iifname "eth0" ct state established,related accept
            add rule ip filter in iifname "eth0" drop
            add chain ip filter through { type filter hook forward priority 0; }
            add rule ip filter through iifname "eth0" ct state established,related accept
            add rule ip filter through iifname "eth0" ct status dnat accept
            add rule ip filter through iifname "eth0" drop
            """
        );
        return new Home(router, inside);
    }

    public ValueTask DisposeAsync() => Lab.DisposeAsync();
}

/// <summary>A host, and the router it is behind.</summary>
internal sealed record Home(Host Router, Host Inside)
{
    /// <summary>What the world sees of the host.</summary>
    public string PublicAddress => Router.Address;
}
