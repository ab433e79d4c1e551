using System.IO.Compression;
using System.Net;
using System.Text;
using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class AddressFilterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("shoal-filter-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, byte[] bytes)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private string Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    private static byte[] Pack(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            gzip.Write(bytes);
        }

        return packed.ToArray();
    }

    private static AddressFilter Create(params string[] paths) =>
        new(new EngineOptions { StateDirectory = "unused", IpFilterFiles = paths });

    private static string Failure(AddressFilter filter) =>
        Assert.Throws<IpFilterException>(() => filter.Load(default)).Message;

    [Fact]
    public void Several_files_are_one_filter_packed_or_not()
    {
        var filter = Create(
            Write("a.p2p", "somebody:1.0.0.0-1.0.0.9\n"),
            Write("b.dat.gz", Pack(Encoding.UTF8.GetBytes("002.000.000.000 - 002.000.000.009 , 000 , x\n"))),
            Write("c", "2001:db8::/32")
        );
        filter.Load(default);
        Assert.Equal(3, filter.Count);
        Assert.True(filter.IsBlocked(IPAddress.Parse("1.0.0.5")));
        Assert.True(filter.IsBlocked(IPAddress.Parse("2.0.0.5")));
        Assert.True(filter.IsBlocked(IPAddress.Parse("2001:db8::5")));
        Assert.False(filter.IsBlocked(IPAddress.Parse("3.0.0.5")));
    }

    [Fact]
    public void A_broken_file_is_named_with_its_line_and_changes_nothing()
    {
        var (good, other) = (Write("good", "1.0.0.1\n"), Write("other", "2.0.0.1\n"));
        var filter = Create(good, other);
        filter.Load(default);
        Write("good", "9.0.0.9\n");
        Write("other", "8.0.0.8\n\nnonsense\n");
        Assert.Equal(
            $"the IP filter '{other}' is wrong in line 3: neither an address nor a range nor a network",
            Failure(filter)
        );
        Assert.True(filter.IsBlocked(IPAddress.Parse("1.0.0.1")));
        Assert.True(filter.IsBlocked(IPAddress.Parse("2.0.0.1")));
        Assert.False(filter.IsBlocked(IPAddress.Parse("9.0.0.9")));
        Assert.False(filter.IsBlocked(IPAddress.Parse("8.0.0.8")));
        Write("other", "");
        filter.Load(default);
        Assert.True(filter.IsBlocked(IPAddress.Parse("9.0.0.9")));
        Assert.False(filter.IsBlocked(IPAddress.Parse("1.0.0.1")));
    }

    [Fact]
    public void Files_that_are_missing_cut_off_or_something_else_are_named()
    {
        var packed = Pack(
            Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 5000).Select(i => $"1.2.3.{i % 256}\n")))
        );
        Assert.Contains(
            "cannot read the IP filter",
            Failure(Create(Path.Combine(_folder, "none"))),
            StringComparison.Ordinal
        );
        Assert.Contains("cannot read the IP filter", Failure(Create(_folder)), StringComparison.Ordinal);
        Assert.Contains("does not unpack", Failure(Create(Write("cut.gz", packed[..^20]))), StringComparison.Ordinal);
        packed[packed.Length / 2] ^= 0xFF;
        Assert.Contains(
            "'" + Write("bad.gz", packed),
            Failure(Create(Write("bad.gz", packed))),
            StringComparison.Ordinal
        );
        Assert.Contains("zip archive", Failure(Create(Write("x.zip", "PK\u0003\u0004"))), StringComparison.Ordinal);
    }

    [Fact]
    public void A_packed_file_that_grows_without_end_is_refused()
    {
        // 4 MB without a line's end in some KB.
        var bomb = Pack(new byte[4 * 1024 * 1024]);
        Assert.InRange(bomb.Length, 1, 100_000);
        Assert.Contains("the line has more than", Failure(Create(Write("bomb", bomb))), StringComparison.Ordinal);
    }

    [Fact]
    public void Connections_with_those_in_the_filter_are_refused_in_both_directions()
    {
        var options = new EngineOptions { StateDirectory = "unused", IpFilterFiles = [Write("a", "192.0.2.0/24")] };
        var filter = new AddressFilter(options);
        filter.Load(default);
        var slots = new ConnectionSlots(options, SharingLimits.Default, TimeProvider.System, filter);
        var torrent = slots.Join(() => { });
        Assert.False(slots.TryTake(torrent, IPAddress.Parse("192.0.2.7"), out var reason));
        Assert.Equal(DisconnectReason.Filtered, reason);
        Assert.True(slots.IsBanned(IPAddress.Parse("::ffff:192.0.2.7")));
        Assert.True(slots.TryTake(torrent, IPAddress.Parse("192.0.3.7"), out _));
        Assert.False(slots.IsBanned(IPAddress.Parse("192.0.3.7")));
    }

    [Fact]
    public async Task Hosts_of_urls_are_refused()
    {
        var filter = Create(Write("a", "127.0.0.0/8"));
        filter.Load(default);
        var egress = new DirectEgress(LocalBinding.Everywhere, filter);
        var target = new HostTarget("127.0.0.1", 9) { WhyNot = _ => null };
        var refused = await egress.ConnectAsync(target, default);
        Assert.Equal(HostFailure.Forbidden, refused.Failure);
        Assert.Contains("IP filter", refused.Message, StringComparison.Ordinal);
        Assert.Equal(HostFailure.Forbidden, (await egress.LocateAsync(target, default)).Failure);
    }
}
