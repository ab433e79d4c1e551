using System.Text;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.UnitTests;

public sealed class ReceiptTests
{
    [Fact]
    public async Task The_publisher_sees_bytes_of_the_origin_against_those_of_members_and_copies()
    {
        await using var world = await CustodyWorld.StartAsync();
        var (ada, ben) = (await world.Hub.AddAsync(MemberRole.Member), await world.Hub.AddAsync(MemberRole.Member));
        Assert.Equal(204, (await world.GiveAsync(ada, world.Receipt(1, true, (world.Publisher, 20_000)))).Status);
        Assert.Equal(
            204,
            (await world.GiveAsync(ben, world.Receipt(1, false, (world.Publisher, 1_000), (ada, 12_000)))).Status
        );
        Assert.Equal(new CustodyFigures("signed", 2, 21_000, 12_000, 1, 0, 0), await world.FiguresAsync());
        Assert.Equal(
            204,
            (await world.GiveAsync(ben, world.Receipt(2, true, (world.Publisher, 1_000), (ada, 19_000)))).Status
        );
        Assert.Equal(new CustodyFigures("signed", 2, 21_000, 19_000, 2, 0, 0), await world.FiguresAsync());
        var claims = (await world.Hub.AskAsync(world.Publisher, "GET", world.Claims)).As(
            CustodyJson.Default.CustodyClaims
        );
        Assert.Null(claims.Next);
        Assert.Equal(
            new[] { ada.Id, ben.Id }.Order().Select(id => id.ToString()),
            claims.Claims.Select(claim => claim.Member)
        );

        // Who is revoked has no copy that counts; what it said stays said.
        await RevokeAsync(world, ben);
        Assert.Equal(new CustodyFigures("signed", 2, 21_000, 19_000, 1, 0, 0), await world.FiguresAsync());
        await world.Hub.RestartAsync();
        Assert.Equal(new CustodyFigures("signed", 2, 21_000, 19_000, 1, 0, 0), await world.FiguresAsync());
    }

    [Fact]
    public async Task A_receipt_that_comes_again_or_late_counts_once()
    {
        await using var world = await CustodyWorld.StartAsync();
        var ada = await world.Hub.AddAsync(MemberRole.Member);
        var (first, second) = (
            world.Receipt(5, false, (world.Publisher, 5_000)),
            world.Receipt(6, true, (world.Publisher, 20_000))
        );
        Assert.Equal(204, (await world.GiveAsync(ada, first)).Status);
        Assert.Equal(204, (await world.GiveAsync(ada, first)).Status);
        Assert.Equal(204, (await world.GiveAsync(ada, second)).Status);
        var replayed = await world.GiveAsync(ada, first);
        Assert.Equal((409, "old-receipt"), (replayed.Status, replayed.Code));
        // The same number for another word.
        Assert.Equal(
            "old-receipt",
            (
                await world.GiveAsync(
                    ada,
                    second with
                    {
                        Senders = world.Receipt(1, true, (world.Publisher, 9)).Senders,
                    }
                )
            ).Code
        );
        Assert.Equal(new CustodyFigures("signed", 1, 20_000, 0, 1, 0, 0), await world.FiguresAsync());
    }

    [Fact]
    public async Task Nobody_gives_a_receipt_for_another_or_of_what_cannot_be()
    {
        await using var world = await CustodyWorld.StartAsync();
        var (ada, ben) = (await world.Hub.AddAsync(MemberRole.Member), await world.Hub.AddAsync(MemberRole.Member));
        var good = world.Receipt(1, true, (world.Publisher, 20_000));
        var stolen = await world.GiveAsync(ben, CustodyWorld.Sign(ada, good));
        Assert.Equal((403, "not-yours"), (stolen.Status, stolen.Code));
        using var stranger = new HubMember(MemberIdentity.Create(), [], Issuer.NewMember());
        (ReceiptFields Fields, string Code)[] bad =
        [
            // More than twice the content; by itself; by nobody.
            (world.Receipt(1, true, (world.Publisher, 40_001)), "bad-receipt"),
            (world.Receipt(1, true, (ada, 10)), "bad-receipt"),
            (world.Receipt(1, true, (world.Publisher, 10), (stranger, 10)), "bad-receipt"),
            // Of what is not in the catalogue.
            (good with { Content = good.Content with { Version = 2 } }, "entry-unknown"),
            (good with { Content = good.Content with { Torrent = default } }, "entry-unknown"),
            // Not of today.
            (good with { Since = good.Since.AddDays(-2), Until = good.Until.AddDays(-2) }, "bad-receipt"),
            (good with { Until = good.Until.AddDays(2) }, "bad-receipt"),
        ];
        foreach (var (fields, code) in bad)
        {
            Assert.Equal(code, (await world.GiveAsync(ada, fields)).Code);
        }

        Assert.Equal("bad-receipt", (await world.GiveAsync(ada, [1, 2, 3])).Code);
        Assert.Equal(0, (await world.FiguresAsync()).Receivers);
        Assert.Equal(204, (await world.GiveAsync(ada, good)).Status);
    }

    [Fact]
    public async Task Receipts_are_bounded_in_number_and_length()
    {
        await using var world = await CustodyWorld.StartAsync(limits: new HubLimits { ReceiptsPerMember = 3 });
        var (ada, ben) = (await world.Hub.AddAsync(MemberRole.Member), await world.Hub.AddAsync(MemberRole.Member));
        for (var number = 1; number <= 3; number++)
        {
            Assert.Equal(204, (await world.GiveAsync(ada, world.Receipt(number, true, (world.Publisher, 1)))).Status);
        }

        Assert.Equal(429, (await world.GiveAsync(ada, world.Receipt(4, true, (world.Publisher, 1)))).Status);
        Assert.Equal(204, (await world.GiveAsync(ben, world.Receipt(1, true, (world.Publisher, 1)))).Status);
        Assert.Equal("bad-receipt", (await world.GiveAsync(ben, new byte[CustodyLimits.MaxReceiptLength + 1])).Code);
        var nonsense = Encoding.UTF8.GetBytes("""{"receipt":7,"agreed":"signed"}""");
        Assert.Equal("bad-request", (await world.Hub.SendAsync(ben, "POST", "/v1/receipts", nonsense)).Code);
    }

    [Fact]
    public async Task Where_sums_are_kept_nobody_learns_who_received_what_and_the_database_does_not_say()
    {
        await using var world = await CustodyWorld.StartAsync(ReceiptRetention.Sums);
        var (ada, ben) = (await world.Hub.AddAsync(MemberRole.Member), await world.Hub.AddAsync(MemberRole.Member));
        Assert.Equal(
            204,
            (await world.GiveAsync(ada, world.Receipt(1, true, (world.Publisher, 20_000)), "sums")).Status
        );
        Assert.Equal(204, (await world.GiveAsync(ben, world.Receipt(1, true, (ada, 20_000)), "sums")).Status);
        Assert.Equal("old-receipt", (await world.GiveAsync(ben, world.Receipt(1, true, (ada, 1)), "sums")).Code);
        Assert.Equal(new CustodyFigures("sums", 2, 20_000, 20_000, 2, 0, 0), await world.FiguresAsync());
        Assert.Equal("sums-only", (await world.Hub.AskAsync(world.Publisher, "GET", world.Claims)).Code);
        Assert.Equal(
            "sums-only",
            (await world.ChallengeAsync(world.Publisher, world.Challenge(world.Publisher, ada).Encoded)).Code
        );

        // What is collected is shown to the member, and to this one only.
        var own = await world.OwnAsync(ben);
        Assert.Equal("sums", own.Kept);
        Assert.Equal(
            new OwnReceipt(world.Fields.Id.ToString(), 1, 0, 20_000, true, Signed: false),
            Assert.Single(own.Receipts)
        );
        await RevokeAsync(world, ben);
        Assert.Equal(1, (await world.FiguresAsync()).Copies);

        await using var store = await OpenAsync(world);
        var rows = await store.ListReceiptsAsync(world.Fields.Id, 1, null, 10, default);
        Assert.Empty(rows);
        await using var connection = new Microsoft.Data.Sqlite.SqliteConnection(
            $"Data Source={Path.Combine(world.Hub.Folder, "hub", "hub.db")};Mode=ReadOnly;Pooling=False"
        );
        await connection.OpenAsync();
        await using var all = connection.CreateCommand();
        all.CommandText = "SELECT * FROM receipts";
        await using var reader = await all.ExecuteReaderAsync();
        var count = 0;
        for (; await reader.ReadAsync(); count++)
        {
            for (var column = 0; column < reader.FieldCount; column++)
            {
                var value = reader.GetValue(column);
                Assert.False(value is byte[] bytes && (Holds(bytes, ada) || Holds(bytes, ben)));
            }
        }

        Assert.Equal(2, count);
    }

    [Fact]
    public async Task A_hub_takes_nothing_from_who_agreed_to_less_than_it_keeps()
    {
        await using var world = await CustodyWorld.StartAsync(ReceiptRetention.Signed);
        var ada = await world.Hub.AddAsync(MemberRole.Member);
        var receipt = world.Receipt(1, true, (world.Publisher, 20_000));
        foreach (var agreed in new[] { "sums", "none", "", "everything" })
        {
            var refused = await world.GiveAsync(ada, receipt, agreed);
            Assert.Equal((403, "not-agreed"), (refused.Status, refused.Code));
        }

        Assert.Equal(204, (await world.GiveAsync(ada, receipt)).Status);

        // And who agreed to more gives to one that keeps less.
        world.Hub.Receipts = ReceiptRetention.Sums;
        await world.Hub.RestartAsync();
        Assert.Equal(204, (await world.GiveAsync(ada, receipt with { Number = 2 })).Status);
    }

    [Fact]
    public async Task A_hub_that_keeps_less_from_now_on_forgets_the_rest()
    {
        await using var world = await CustodyWorld.StartAsync(ReceiptRetention.Signed);
        var ada = await world.Hub.AddAsync(MemberRole.Member);
        await world.GiveAsync(ada, world.Receipt(1, true, (world.Publisher, 20_000)));
        Assert.Equal(
            204,
            (await world.ChallengeAsync(world.Publisher, world.Challenge(world.Publisher, ada).Encoded)).Status
        );
        Assert.True(Assert.Single((await world.OwnAsync(ada)).Receipts).Signed);
        world.Hub.Receipts = ReceiptRetention.Sums;
        await world.Hub.RestartAsync();
        Assert.False(Assert.Single((await world.OwnAsync(ada)).Receipts).Signed);
        Assert.Equal(new CustodyFigures("sums", 1, 20_000, 0, 1, 0, 0), await world.FiguresAsync());
        Assert.Empty((await world.FetchAsync(ada)).As(CustodyJson.Default.ChallengesAnswer).Challenges);

        // Signed again: who was kept without a name is still counted once.
        world.Hub.Receipts = ReceiptRetention.Signed;
        await world.Hub.RestartAsync();
        Assert.Empty(
            (await world.Hub.AskAsync(world.Publisher, "GET", world.Claims))
                .As(CustodyJson.Default.CustodyClaims)
                .Claims
        );
        await world.GiveAsync(ada, world.Receipt(2, true, (world.Publisher, 20_000)));
        Assert.Equal(new CustodyFigures("signed", 1, 20_000, 0, 1, 0, 0), await world.FiguresAsync());
        Assert.Single(
            (await world.Hub.AskAsync(world.Publisher, "GET", world.Claims))
                .As(CustodyJson.Default.CustodyClaims)
                .Claims
        );

        world.Hub.Receipts = ReceiptRetention.None;
        await world.Hub.RestartAsync();
        Assert.Equal("receipts-off", (await world.GiveAsync(ada, world.Receipt(3, true, (world.Publisher, 1)))).Code);
        Assert.Equal(new CustodyFigures("none", 0, 0, 0, 0, 0, 0), await world.FiguresAsync());
    }

    [Fact]
    public async Task A_member_takes_back_what_it_said()
    {
        await using var world = await CustodyWorld.StartAsync();
        var (ada, ben) = (await world.Hub.AddAsync(MemberRole.Member), await world.Hub.AddAsync(MemberRole.Member));
        await world.GiveAsync(ada, world.Receipt(1, true, (world.Publisher, 20_000)));
        await world.GiveAsync(ben, world.Receipt(1, true, (ada, 20_000)));
        await world.ChallengeAsync(world.Publisher, world.Challenge(world.Publisher, ada).Encoded);
        Assert.Equal(204, (await world.Hub.AskAsync(ada, "DELETE", "/v1/receipts")).Status);
        Assert.Empty((await world.OwnAsync(ada)).Receipts);
        Assert.Single((await world.OwnAsync(ben)).Receipts);
        Assert.Empty((await world.FetchAsync(ada)).As(CustodyJson.Default.ChallengesAnswer).Challenges);
        Assert.Equal(new CustodyFigures("signed", 1, 0, 20_000, 1, 0, 0), await world.FiguresAsync());
        // A withdrawn version takes all that was said of it along.
        Assert.Equal(
            204,
            (await world.Hub.AskAsync(world.Publisher, "DELETE", $"/v1/catalogue/{world.Fields.Id}/1")).Status
        );
        Assert.Empty((await world.OwnAsync(ben)).Receipts);
    }

    [Fact]
    public async Task Only_the_publisher_of_an_entry_and_administrators_see_its_figures()
    {
        await using var world = await CustodyWorld.StartAsync();
        var (member, publisher, admin) = (
            await world.Hub.AddAsync(MemberRole.Member),
            await world.Hub.AddAsync(MemberRole.Publisher),
            await world.Hub.AddAsync(MemberRole.Administrator)
        );
        foreach (var path in new[] { world.Custody, world.Claims })
        {
            Assert.Equal("role-needed", (await world.Hub.AskAsync(member, "GET", path)).Code);
            Assert.Equal("not-yours", (await world.Hub.AskAsync(publisher, "GET", path)).Code);
            Assert.Equal(200, (await world.Hub.AskAsync(admin, "GET", path)).Status);
            Assert.Equal(200, (await world.Hub.AskAsync(world.Publisher, "GET", path)).Status);
        }

        Assert.Equal(
            "entry-unknown",
            (await world.Hub.AskAsync(admin, "GET", world.Custody.Replace("/1/", "/2/", StringComparison.Ordinal))).Code
        );
        Assert.Equal("bad-request", (await world.Hub.AskAsync(admin, "GET", world.Claims + "?after=x")).Code);
    }

    private static bool Holds(byte[] bytes, HubMember member) => bytes.AsSpan().IndexOf(member.Id.Span) >= 0;

    private static Task<SqlHubStore> OpenAsync(CustodyWorld world) =>
        SqlHubStore.OpenSqliteAsync(
            Path.Combine(world.Hub.Folder, "hub", "hub.db"),
            world.Hub.Hub.Publication,
            default
        );

    private static async Task RevokeAsync(CustodyWorld world, HubMember who)
    {
        var admin = await world.Hub.AddAsync(MemberRole.Administrator);
        var request = new RevokeRequest([who.Id.ToString()], false);
        Assert.Equal(
            200,
            (await world.Hub.TellAsync(admin, "/v1/members/revoke", request, HubJson.Default.RevokeRequest)).Status
        );
    }
}
