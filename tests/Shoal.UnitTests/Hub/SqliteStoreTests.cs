using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.UnitTests;

public sealed class SqliteStoreTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly PublicationId Publication = PublicationId.Of([1, 2, 3]);

    [Fact]
    public async Task The_contract_holds()
    {
        using var folder = new TempFolder();
        await using var store = await SqlHubStore.OpenSqliteAsync(folder["hub.db"], Publication, default);
        await HubStoreContract.HoldsAsync(store);
        await CustodyStoreContract.HoldsAsync(store);
    }

    [Fact]
    public async Task What_was_stored_is_there_the_next_time_and_for_its_owner_only()
    {
        using var folder = new TempFolder();
        var row = HubStoreContract.Invitation();
        await using (var store = await SqlHubStore.OpenSqliteAsync(folder["hub.db"], Publication, default))
        {
            await store.AddInvitationsAsync([row], default);
            await store.RedeemAsync(row.Id, HubStoreContract.Newcomer(), Now, default);
        }

        foreach (var file in Directory.EnumerateFiles(folder.Path))
        {
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }
        }

        await using var again = await SqlHubStore.OpenSqliteAsync(folder["hub.db"], Publication, default);
        Assert.Equal(1, (await again.FindInvitationAsync(row.Id, default))!.Used);
    }

    [Fact]
    public async Task A_database_of_another_publication_and_a_file_that_is_none_are_refused()
    {
        using var folder = new TempFolder();
        await (await SqlHubStore.OpenSqliteAsync(folder["hub.db"], Publication, default)).DisposeAsync();
        var other = await Assert.ThrowsAsync<HubStoreException>(() =>
            SqlHubStore.OpenSqliteAsync(folder["hub.db"], PublicationId.Of([4]), default)
        );
        Assert.Contains("another publication", other.Message, StringComparison.Ordinal);
        folder.Write("none.db", 10_000);
        await Assert.ThrowsAsync<HubStoreException>(() =>
            SqlHubStore.OpenSqliteAsync(folder["none.db"], Publication, default)
        );
        await Assert.ThrowsAsync<HubStoreException>(() =>
            SqlHubStore.OpenSqliteAsync(folder["no/such/folder.db"], Publication, default)
        );
        await Assert.ThrowsAsync<HubStoreException>(() =>
            SqlHubStore.OpenPostgresAsync("Password=secret;Nonsense=1", Publication, default)
        );
    }
}
