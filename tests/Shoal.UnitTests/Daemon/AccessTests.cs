using System.Net;
using Shoal.Api;
using Shoal.Daemon;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class AccessTests
{
    [Fact]
    public void A_token_lets_in_with_its_scope_until_it_is_removed()
    {
        using var folder = new TempFolder();
        var keys = AccessKeys.Open(folder["tokens.json"], TimeProvider.System);
        Assert.True(keys.IsEmpty);
        var made = keys.Create("phone", AccessScope.Control);
        Assert.Equal(AccessScope.Control, keys.Check(made.Secret));
        Assert.Null(keys.Check(made.Secret + "x"));
        Assert.Equal((null, null), keys.Know(made.Secret + "x"));
        Assert.Equal(AccessScope.Control, keys.Know(made.Secret).Scope);
        Assert.Null(keys.Check(""));
        Assert.Equal("token-exists", Assert.Throws<ApiException>(() => keys.Create("phone", AccessScope.Read)).Code);

        var again = AccessKeys.Open(folder["tokens.json"], TimeProvider.System);
        Assert.Equal(AccessScope.Control, again.Check(made.Secret));
        again.Remove("phone");
        Assert.Null(again.Check(made.Secret));
        Assert.Equal("no-such-token", Assert.Throws<ApiException>(() => again.Remove("phone")).Code);
    }

    [Fact]
    public void Secrets_are_not_kept_and_the_file_is_its_owners()
    {
        using var folder = new TempFolder();
        var keys = AccessKeys.Open(folder["tokens.json"], TimeProvider.System);
        var made = keys.Create("phone", AccessScope.Admin);
        var session = keys.Redeem(keys.CreateCode(), "browser")!.Value;
        var text = File.ReadAllText(folder["tokens.json"]);
        Assert.DoesNotContain(made.Secret, text, StringComparison.Ordinal);
        Assert.DoesNotContain(session.Secret, text, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder["tokens.json"]));
        }
    }

    [Fact]
    public void A_link_works_once_and_not_for_ever()
    {
        using var folder = new TempFolder();
        var time = new VirtualTime();
        var keys = AccessKeys.Open(folder["tokens.json"], time);
        var code = keys.CreateCode();
        var session = keys.Redeem(code, "browser");
        Assert.Equal(AccessScope.Admin, keys.Check(session!.Value.Secret));
        Assert.Null(keys.Redeem(code, "browser"));

        var late = keys.CreateCode();
        time.Advance(TimeSpan.FromHours(25));
        Assert.Null(keys.Redeem(late, "browser"));

        // The browser has to log in again after a month; it cannot make itself a longer stay.
        Assert.Null(keys.LogIn(session.Value.Secret, "browser"));
        time.Advance(TimeSpan.FromDays(31));
        Assert.Null(keys.Check(session.Value.Secret));
    }

    [Fact]
    public void A_broken_file_lets_nobody_in()
    {
        using var folder = new TempFolder();
        folder.Write("tokens.json", "{\"tokens\":[{\"id\":"u8.ToArray());
        var error = Assert.Throws<IOException>(() => AccessKeys.Open(folder["tokens.json"], TimeProvider.System));
        Assert.Contains("broken", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_guesses_waits_longer_and_longer_and_others_do_not()
    {
        var time = new VirtualTime();
        var throttle = new LoginThrottle(time);
        var (guesser, other) = (IPAddress.Parse("2001:db8::1"), IPAddress.Parse("192.0.2.1"));
        var tries = 0;
        for (var hour = time.GetUtcNow(); time.GetUtcNow() - hour < TimeSpan.FromHours(1); )
        {
            if (throttle.Wait(guesser) is { } wait)
            {
                time.Advance(wait);
                continue;
            }

            tries++;
            throttle.Failed(guesser);
        }

        Assert.InRange(tries, 8, 20);
        // The neighbour in the same /64 is the same, the others are not.
        throttle.Failed(guesser);
        Assert.NotNull(throttle.Wait(IPAddress.Parse("2001:db8::2")));
        Assert.Null(throttle.Wait(other));
        throttle.Succeeded(guesser);
        Assert.Null(throttle.Wait(guesser));
    }

    [Fact]
    public void Who_sets_the_clock_back_locks_nobody_out()
    {
        var clock = new SetClock();
        var throttle = new LoginThrottle(clock);
        var user = IPAddress.Parse("192.0.2.1");
        for (var tries = 0; tries < 6; tries++)
        {
            throttle.Failed(user);
        }

        Assert.NotNull(throttle.Wait(user));
        clock.Set -= TimeSpan.FromDays(365);
        clock.Advance(TimeSpan.FromMinutes(15));
        Assert.Null(throttle.Wait(user));
    }

    private sealed class SetClock : TimeProvider
    {
        private TimeSpan _passed;

        public TimeSpan Set { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2026, 1, 1, 0, 0, 0, default) + _passed + Set;

        public override long GetTimestamp() => _passed.Ticks;

        public void Advance(TimeSpan by) => _passed += by;
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST.", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("[::1]", true)]
    [InlineData("192.168.1.7", true)]
    [InlineData("nas.home", true)]
    [InlineData("evil.example", false)]
    [InlineData("nas.home.evil.example", false)]
    [InlineData("localhost.evil.example", false)]
    [InlineData("", false)]
    public void Only_our_names_are_taken_for_us(string host, bool isOurs) =>
        Assert.Equal(isOurs, HostRules.IsOurs(host, ["nas.home"]));

    [Theory]
    [InlineData("http://127.0.0.1:9470", true)]
    [InlineData("http://127.0.0.1", false)]
    [InlineData("https://127.0.0.1:9470", false)]
    [InlineData("http://127.0.0.1:9471", false)]
    [InlineData("http://evil.example", false)]
    [InlineData("null", false)]
    [InlineData("", false)]
    public void Only_our_own_page_is_taken_for_ours(string origin, bool isOurs) =>
        Assert.Equal(isOurs, HostRules.IsSameOrigin(origin, "http", "127.0.0.1:9470"));

    [Fact]
    public void Paths_stay_in_the_allowed_folders_whatever_links_lie_there()
    {
        using var folder = new TempFolder();
        var root = Directory.CreateDirectory(folder["allowed"]).FullName;
        Directory.CreateDirectory(folder["secret"]);
        Directory.CreateSymbolicLink(Path.Combine(root, "out"), folder["secret"]);
        Directory.CreateSymbolicLink(Path.Combine(root, "up"), "../..");
        Directory.CreateSymbolicLink(Path.Combine(root, "round"), "round");
        Directory.CreateSymbolicLink(Path.Combine(root, "in"), "films");
        string[] roots = [root];
        Assert.Equal(root, PathJail.Check(root, roots));
        Assert.Equal(Path.Combine(root, "films", "new"), PathJail.Check(root + "/films/./new/", roots));
        Assert.Equal(Path.Combine(root, "in"), PathJail.Check(root + "/in", roots));
        foreach (
            var path in new[]
            {
                root + "/../secret",
                root + "/out",
                root + "/out/deep",
                root + "/up/etc",
                root + "er",
                "/",
                "/etc",
            }
        )
        {
            Assert.Equal("path-not-allowed", Assert.Throws<ApiException>(() => PathJail.Check(path, roots)).Code);
        }

        foreach (
            var path in new[]
            {
                "",
                "films",
                "../x",
                "~/x",
                root + "/a\0b",
                root + "/a\nb",
                root + "/round",
                new string('/', 5000),
            }
        )
        {
            Assert.Equal("bad-value", Assert.Throws<ApiException>(() => PathJail.Check(path, roots)).Code);
        }

        Assert.Equal(folder["secret"], PathJail.Check(folder["secret"], null));
    }

    [Fact]
    public void A_browser_goes_with_the_token_it_logged_in_with()
    {
        using var folder = new TempFolder();
        var path = folder["tokens.json"];
        var keys = AccessKeys.Open(path, TimeProvider.System);
        var session = keys.LogIn(keys.Create("phone", AccessScope.Control).Secret, "browser")!.Value;
        var other = keys.LogIn(keys.Create("desk", AccessScope.Control).Secret, "browser")!.Value;
        keys = AccessKeys.Open(path, TimeProvider.System);
        Assert.Equal(AccessScope.Control, keys.Check(session.Secret));
        keys.Remove("phone");
        Assert.Null(keys.Check(session.Secret));
        Assert.Equal(AccessScope.Control, keys.Check(other.Secret));
    }
}
