using System.Text.RegularExpressions;

namespace Shoal.UnitTests;

/// <summary>
/// Nothing goes around the way out: what the user decided about interfaces and proxies holds only if every socket and
/// every look-up of a name asks there. A failure names the file; let it use IEgress or LocalBinding.
/// </summary>
public sealed partial class EgressRuleTests
{
    // Servers listen where they are told to, and connect to nobody. The daemon's client calls the daemon, and nobody else; the
    // daemon tells the service manager of this machine that it lives.
    private static readonly string[] OpensSockets =
    [
        "src/Shoal.Api/Client/DaemonClient.cs",
        "src/Shoal.Daemon/Hosting/ServiceNotice.cs",
        "src/Shoal.Engine/Net/LocalBinding.cs",
        "src/Shoal.Tracker/Http/HttpTrackerServer.cs",
        "src/Shoal.Tracker/Udp/UdpTrackerLoop.cs",
    ];

    private static readonly string[] LooksUpNames = ["src/Shoal.Engine/Net/DirectEgress.cs"];

    [Fact]
    public void Sockets_are_opened_by_the_binding_only() =>
        Assert.Equal(OpensSockets, Users(Socket()).Order(StringComparer.Ordinal));

    [Fact]
    public void Names_are_looked_up_by_the_egress_only() =>
        Assert.Equal(LooksUpNames, Users(NameLookup()).Order(StringComparer.Ordinal));

    [Fact]
    public void Nobody_uses_clients_that_open_sockets_of_their_own() => Assert.Empty(Users(OtherClients()));

    // The handler would also take a proxy from the environment, which the user may not know of.
    [Fact]
    public void Http_goes_by_a_connection_that_we_made_and_by_no_other_proxy()
    {
        var users = Users(HttpHandler()).ToList();
        Assert.True(users.Count >= 2);
        Assert.All(
            users,
            path =>
            {
                var code = SourceTree.Read(path);
                var handlers = HttpHandler().Count(SourceTree.WithoutCommentsAndStrings(code));
                Assert.True(ConnectCallback().Count(code) >= handlers, $"{path}: a handler without ConnectCallback");
                Assert.True(NoProxy().Count(code) >= handlers, $"{path}: a handler without UseProxy = false");
            }
        );
        // A client without a handler of ours makes one of its own.
        Assert.Empty(Users(BareHttpClient()));
    }

    private static IEnumerable<string> Users(Regex code) =>
        SourceTree
            .CSharpFiles("src")
            .Where(path => code.IsMatch(SourceTree.WithoutCommentsAndStrings(SourceTree.Read(path))));

    [GeneratedRegex(
        @"\bnew\s+Socket\s*\(|\bSocket\s+\w+\s*=\s*new\s*\(|\bSocket\.ConnectAsync\s*\(|\bSafeSocketHandle\b"
    )]
    private static partial Regex Socket();

    [GeneratedRegex(@"\bDns\s*\.")]
    private static partial Regex NameLookup();

    [GeneratedRegex(
        @"\b(TcpClient|UdpClient|TcpListener|WebRequest|WebClient|ClientWebSocket|SmtpClient|HttpClientHandler|WinHttpHandler|HttpListener)\b"
    )]
    private static partial Regex OtherClients();

    [GeneratedRegex(
        @"\bnew\s+SocketsHttpHandler\b|\bSocketsHttpHandler\s+\w+\([^)]*\)\s*=>|\bSocketsHttpHandler\s+\w+\s*=\s*new\b"
    )]
    private static partial Regex HttpHandler();

    [GeneratedRegex(@"\bConnectCallback\s*=")]
    private static partial Regex ConnectCallback();

    [GeneratedRegex(@"\bUseProxy\s*=\s*false\b")]
    private static partial Regex NoProxy();

    [GeneratedRegex(@"\bnew\s+HttpClient\s*\(\s*\)|\bHttpClient\s+\w+\s*=\s*new\s*\(\s*\)")]
    private static partial Regex BareHttpClient();
}
