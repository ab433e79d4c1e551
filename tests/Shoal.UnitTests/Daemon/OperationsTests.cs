using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Shoal.Daemon;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Room on disks, certificates, the service manager.</summary>
public sealed class OperationsTests
{
    [Fact]
    public void Downloads_wait_before_a_disk_is_full_and_go_on_with_room_to_spare()
    {
        var rule = new SpaceRule();
        (string Full, string Roomy) Look(long? a, long? b, long least = 100)
        {
            var free = new Dictionary<string, long?> { ["a"] = a, ["b"] = b };
            var (full, roomy) = rule.Look(free, least);
            return (string.Concat(full), string.Concat(roomy));
        }

        Assert.Equal(("", ""), Look(100, 1000));
        Assert.Equal(("a", ""), Look(99, 1000));
        Assert.Equal(("", ""), Look(149, 1000));
        // The disk does not answer: nothing is decided.
        Assert.Equal(("", ""), Look(null, null));
        Assert.Contains("a", rule.Full);
        Assert.Equal(("b", "a"), Look(150, 5));
        // Switched off.
        Assert.Equal(("", "b"), Look(0, 0, least: 0));
        Assert.Equal(("a", ""), Look(99, 1000));
        // Nobody downloads there any more.
        Assert.Equal("a", Assert.Single(rule.Look(new Dictionary<string, long?>(), 100).Roomy));
    }

    [Fact]
    public void A_certificate_of_our_own_is_kept_until_it_ends_or_names_change()
    {
        using var folder = new TempFolder();
        var path = folder["tls.pem"];
        var now = new DateTimeOffset(2026, 11, 28, 0, 0, 0, TimeSpan.Zero);
        X509Certificate2 Load(DateTimeOffset at, string hosts = "") =>
            ServerCertificate.Load(
                Settings($"[http]\ntls = \"self-signed\"\nhosts = [{hosts}]\nlisten = [\"192.0.2.7:1\"]"),
                path,
                at
            )!;
        using var first = Load(now);
        Assert.True(first.HasPrivateKey);
        Assert.True(first.MatchesHostname("localhost") && first.MatchesHostname("192.0.2.7"));
        Assert.InRange((first.NotAfter - first.NotBefore).TotalDays, 300, 398.1);
        Assert.Equal(first.Thumbprint, Load(now.AddDays(100)).Thumbprint);
        Assert.NotEqual(first.Thumbprint, Load(now.AddDays(350)).Thumbprint);
        Assert.True(Load(now, "\"nas.home\"").MatchesHostname("nas.home"));
        File.WriteAllText(path, "broken");
        Assert.True(Load(now).HasPrivateKey);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }
    }

    [Fact]
    public void A_given_certificate_is_taken_and_a_broken_one_named()
    {
        using var folder = new TempFolder();
        var now = DateTimeOffset.UtcNow;
        var path = folder["tls.pem"];
        using var own = ServerCertificate.Load(Settings("[http]\ntls = \"self-signed\""), path, now)!;
        using var given = ServerCertificate.Load(
            Settings($"[http]\ntls = \"files\"\ncertificate = '{path}'"),
            "",
            now
        )!;
        Assert.Equal(own.Thumbprint, given.Thumbprint);
        Assert.Null(ServerCertificate.Load(Settings(""), "", now));
        foreach (
            var text in new[]
            {
                "[http]\ntls = \"files\"",
                $"[http]\ntls = \"files\"\ncertificate = '{folder["gone"]}'",
            }
        )
        {
            var error = Assert.Throws<DaemonStartException>(() => ServerCertificate.Load(Settings(text), "", now));
            Assert.Equal("bad-certificate", error.Code);
            Assert.Contains("http.certificate", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_service_manager_hears_what_it_asked_for()
    {
        using var folder = new TempFolder();
        var path = folder["notify"];
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(path));
        var environment = new Dictionary<string, string>
        {
            ["NOTIFY_SOCKET"] = path,
            ["WATCHDOG_USEC"] = "60000000",
            ["WATCHDOG_PID"] = $"{Environment.ProcessId}",
        };
        using var service = ServiceNotice.Connect(environment.GetValueOrDefault);
        Assert.Equal(TimeSpan.FromSeconds(30), service.WatchdogInterval);
        service.Ready("7 torrents");
        service.Alive();
        service.Stopping();
        Assert.Equal(
            ["READY=1\nSTATUS=7 torrents", "WATCHDOG=1", "STOPPING=1"],
            Enumerable.Range(0, 3).Select(_ => Next(manager))
        );

        environment["WATCHDOG_PID"] = "1";
        using var other = ServiceNotice.Connect(environment.GetValueOrDefault);
        Assert.Null(other.WatchdogInterval);
        foreach (var wrong in new[] { folder["gone"], "relative", "", new string('/', 500) })
        {
            environment["NOTIFY_SOCKET"] = wrong;
            using var none = ServiceNotice.Connect(environment.GetValueOrDefault);
            none.Ready("nobody hears");
        }
    }

    [Fact]
    public void An_empty_list_of_addresses_does_not_take_the_place_of_a_good_one()
    {
        using var folder = new TempFolder();
        var (trial, path) = (folder["trial"], folder["list"]);
        IpFilterLists.Take("192.0.2.0/24\n"u8.ToArray(), trial, path, CancellationToken.None);
        foreach (var body in new[] { "", "# nothing\n" })
        {
            Assert.ThrowsAny<Exception>(() =>
                IpFilterLists.Take(Encoding.UTF8.GetBytes(body), trial, path, CancellationToken.None)
            );
            Assert.Equal("192.0.2.0/24\n", File.ReadAllText(path));
        }
    }

    [Fact]
    public async Task What_never_ends_does_not_hold_up_the_end_of_the_daemon()
    {
        var (time, never) = (new VirtualTime(), new TaskCompletionSource());
        var loop = new AutomationLoop(null!, time);
        loop.Run(_ => never.Task);
        var ending = loop.DisposeAsync().AsTask();
        while (time.ActiveTimers == 0)
        {
            await Task.Yield();
        }

        Assert.False(ending.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(5));
        await ending;
    }

    private static string Next(Socket socket)
    {
        var buffer = new byte[1000];
        return Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer));
    }

    private static DaemonSettings Settings(string text) =>
        DaemonSettings.Of(SettingsReader.Read(text), new Dictionary<string, object>());
}
