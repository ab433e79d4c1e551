using System.Text;
using Microsoft.AspNetCore.Http;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.UnitTests;

public sealed class MetricsTests
{
    [Fact]
    public async Task What_is_counted_names_nobody_and_nothing()
    {
        await using var world = await CustodyWorld.StartAsync();
        var ada = await world.Hub.AddAsync(MemberRole.Member, "Ada Lovelace");
        await world.GiveAsync(ada, world.Receipt(1, true, (world.Publisher, 20_000)));
        await world.Hub.AskAsync(ada, "GET", "/v1/members");
        await world.Hub.AskAsync(ada, "GET", $"/v1/catalogue/{world.Fields.Id}/1/torrent");
        await world.Hub.AskAsync(ada, "GET", "/no/such/" + ada.Id);
        var text = world.Hub.Hub.Metrics;
        Assert.Contains(
            "shoal_hub_requests_total{route=\"/v1/receipts\",code=\"2xx\"} 1\n",
            text,
            StringComparison.Ordinal
        );
        Assert.Contains("{route=\"/v1/members\",code=\"4xx\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains(
            "{route=\"/v1/catalogue/{id}/{version}/torrent\",code=\"2xx\"} 1\n",
            text,
            StringComparison.Ordinal
        );
        Assert.Contains("{route=\"other\",code=\"4xx\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("shoal_hub_catalogue_entries 1\n", text, StringComparison.Ordinal);
        Assert.Contains("shoal_hub_request_duration_seconds_bucket{le=\"+Inf\"} 5\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain(ada.Id.ToString(), text, StringComparison.Ordinal);
        Assert.DoesNotContain(world.Fields.Id.ToString(), text, StringComparison.Ordinal);
        Assert.DoesNotContain(ada.Address.ToString(), text, StringComparison.Ordinal);
        // Each line is a comment, or a name and a number.
        Assert.All(
            text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#'),
            line => Assert.Matches("""^[a-z_]+(\{[^}]*(\{[a-z]+\}[^}]*)*\})? [0-9.]+$""", line)
        );
    }

    [Fact]
    public void Times_fall_into_buckets_that_add_up_and_waiting_is_no_time()
    {
        var counters = new HubCounters();
        foreach (var milliseconds in new[] { 0.5, 1, 3, 60, 9000 })
        {
            counters.Count("/a", 200, TimeSpan.FromMilliseconds(milliseconds));
        }

        counters.Count("/a", 200, null);
        var text = counters.Write(default, DateTimeOffset.UnixEpoch);
        Assert.Contains("_bucket{le=\"0.001\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("_bucket{le=\"0.005\"} 3\n", text, StringComparison.Ordinal);
        Assert.Contains("_bucket{le=\"5\"} 4\n", text, StringComparison.Ordinal);
        Assert.Contains("_bucket{le=\"+Inf\"} 5\n", text, StringComparison.Ordinal);
        Assert.Contains("_count 5\n", text, StringComparison.Ordinal);
        Assert.Contains("_sum 9.064\n", text, StringComparison.Ordinal);
        Assert.Contains("{route=\"/a\",code=\"2xx\"} 6\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/metrics", "127.0.0.1:9450", 200)]
    [InlineData("GET", "/metrics", "localhost", 200)]
    [InlineData("GET", "/metrics", "[::1]:9450", 200)]
    [InlineData("GET", "/metrics", "attacker.example", 421)]
    [InlineData("POST", "/metrics", "127.0.0.1", 404)]
    [InlineData("GET", "/", "127.0.0.1", 404)]
    [InlineData("GET", "/v1/authority", "127.0.0.1", 404)]
    public async Task Only_the_numbers_are_told_and_to_no_page_of_another_site(
        string method,
        string path,
        string host,
        int status
    )
    {
        var context = new DefaultHttpContext();
        context.Request.Method = method;
        context.Request.Path = path;
        context.Request.Host = new HostString(host);
        using var body = new MemoryStream();
        context.Response.Body = body;
        await MetricsServer.AnswerAsync(context, () => "x 1\n");
        Assert.Equal(status, context.Response.StatusCode);
        Assert.Equal(status == 200 ? "x 1\n" : "", Encoding.UTF8.GetString(body.ToArray()));
    }
}
