using System.Data.Common;
using System.Globalization;
using Shoal.Membership;

namespace Shoal.Hub;

internal sealed partial class SqlHubStore
{
    private const string CatalogueColumns = "id, version, publisher, size, published, entry";

    public Task<StoredRevocations?> ReadRevocationsAsync(CancellationToken cancellation) =>
        ReadAsync(
            async connection =>
            {
                await using var select = Sql.Command(connection, null, "SELECT number, list FROM revocations");
                return (
                    await ReadAllAsync(select, row => new StoredRevocations(row.GetInt64(0), row.Bytes(1)))
                        .ConfigureAwait(false)
                ).FirstOrDefault();
            },
            cancellation
        );

    public Task<ReplaceOutcome> ReplaceRevocationsAsync(
        long previous,
        StoredRevocations next,
        IReadOnlyCollection<MemberId> members,
        bool needsAdministrator,
        DateTimeOffset now,
        CancellationToken cancellation
    ) =>
        WriteAsync(
            async (connection, transaction) =>
            {
                await using var replace = Sql.Command(
                    connection,
                    transaction,
                    previous == 0
                        ? "INSERT INTO revocations (only_row, number, list) VALUES (1, @number, @list) "
                            + "ON CONFLICT (only_row) DO NOTHING"
                        : "UPDATE revocations SET number = @number, list = @list WHERE number = @previous",
                    ("number", next.Number),
                    ("list", next.List),
                    ("previous", previous)
                );
                if (await replace.ExecuteNonQueryAsync().ConfigureAwait(false) != 1)
                {
                    throw new Undo<ReplaceOutcome>(ReplaceOutcome.Superseded);
                }

                var before = await CountAdministratorsAsync(connection, transaction).ConfigureAwait(false);
                foreach (var member in members)
                {
                    await using var mark = Sql.Command(
                        connection,
                        transaction,
                        "UPDATE members SET revoked_at = @now WHERE id = @id AND revoked_at IS NULL",
                        ("now", now.ToUnixTimeSeconds()),
                        ("id", member.ToArray())
                    );
                    await mark.ExecuteNonQueryAsync().ConfigureAwait(false);
                    await using var takeBack = Sql.Command(
                        connection,
                        transaction,
                        "UPDATE invitations SET revoked = 1 WHERE made_by = @id",
                        ("id", member.ToArray())
                    );
                    await takeBack.ExecuteNonQueryAsync().ConfigureAwait(false);
                }

                // Here, and not before: of two that go at once the second has waited for the list, and finds the first one gone.
                return
                    needsAdministrator
                    && before > 0
                    && await CountAdministratorsAsync(connection, transaction).ConfigureAwait(false) == 0
                    ? throw new Undo<ReplaceOutcome>(ReplaceOutcome.NoAdministrator)
                    : ReplaceOutcome.Replaced;
            },
            cancellation
        );

    private static async Task<long> CountAdministratorsAsync(DbConnection connection, DbTransaction transaction)
    {
        await using var count = Sql.Command(
            connection,
            transaction,
            "SELECT COUNT(*) FROM members WHERE role = @role AND revoked_at IS NULL",
            ("role", (long)MemberRole.Administrator)
        );
        return await NumberAsync(count).ConfigureAwait(false);
    }

    public Task<CatalogueOutcome> PublishAsync(CatalogueRow row, long? publishLimit, CancellationToken cancellation) =>
        WriteAsync(
            async (connection, transaction) =>
            {
                await using (
                    var select = Sql.Command(
                        connection,
                        transaction,
                        "SELECT version, publisher FROM catalogue WHERE id = @id",
                        ("id", row.Id.ToArray())
                    )
                )
                {
                    var versions = await ReadAllAsync(
                            select,
                            found => (Version: found.GetInt64(0), Publisher: new MemberId(found.Bytes(1)))
                        )
                        .ConfigureAwait(false);
                    if (versions.Any(version => version.Publisher != row.Publisher))
                    {
                        return CatalogueOutcome.NotYours;
                    }

                    if (versions.Any(version => version.Version >= row.Version))
                    {
                        return CatalogueOutcome.VersionTaken;
                    }
                }

                await using var insert = Sql.Command(
                    connection,
                    transaction,
                    $"INSERT INTO catalogue ({CatalogueColumns}, torrent) VALUES "
                        + "(@id, @version, @publisher, @size, @published, @entry, @torrent) ON CONFLICT DO NOTHING",
                    ("id", row.Id.ToArray()),
                    ("version", row.Version),
                    ("publisher", row.Publisher.ToArray()),
                    ("size", row.Size),
                    ("published", row.Published.ToUnixTimeSeconds()),
                    ("entry", row.Entry),
                    ("torrent", row.Torrent)
                );
                if (await insert.ExecuteNonQueryAsync().ConfigureAwait(false) != 1)
                {
                    return CatalogueOutcome.VersionTaken;
                }

                return
                    publishLimit is { } limit
                    && await PublishedBytesAsync(connection, transaction, row.Publisher).ConfigureAwait(false) > limit
                    ? throw new Undo<CatalogueOutcome>(CatalogueOutcome.QuotaExceeded)
                    : CatalogueOutcome.Published;
            },
            cancellation
        );

    public Task<IReadOnlyList<CatalogueRow>> ListCatalogueAsync(CancellationToken cancellation) =>
        ReadAsync<IReadOnlyList<CatalogueRow>>(
            async connection =>
            {
                await using var select = Sql.Command(
                    connection,
                    null,
                    $"SELECT {CatalogueColumns} FROM catalogue ORDER BY position DESC"
                );
                return await ReadAllAsync(
                        select,
                        row => new CatalogueRow(
                            new EntryId(row.Bytes(0)),
                            row.GetInt64(1),
                            new MemberId(row.Bytes(2)),
                            row.GetInt64(3),
                            row.Time(4),
                            row.Bytes(5),
                            []
                        )
                    )
                    .ConfigureAwait(false);
            },
            cancellation
        );

    public Task<byte[]?> ReadTorrentAsync(EntryId id, long version, CancellationToken cancellation) =>
        ReadAsync(
            async connection =>
            {
                await using var select = Sql.Command(
                    connection,
                    null,
                    "SELECT torrent FROM catalogue WHERE id = @id AND version = @version",
                    ("id", id.ToArray()),
                    ("version", version)
                );
                return (await ReadAllAsync(select, row => row.Bytes(0)).ConfigureAwait(false)).FirstOrDefault();
            },
            cancellation
        );

    public Task<bool> WithdrawAsync(EntryId id, long version, CancellationToken cancellation) =>
        WriteAsync(
            async (connection, transaction) =>
            {
                await using var delete = Sql.Command(
                    connection,
                    transaction,
                    "DELETE FROM catalogue WHERE id = @id AND version = @version",
                    ("id", id.ToArray()),
                    ("version", version)
                );
                await using var receipts = Sql.Command(
                    connection,
                    transaction,
                    "DELETE FROM receipts WHERE entry = @id AND version = @version",
                    ("id", id.ToArray()),
                    ("version", version)
                );
                await receipts.ExecuteNonQueryAsync().ConfigureAwait(false);
                return await delete.ExecuteNonQueryAsync().ConfigureAwait(false) == 1;
            },
            cancellation
        );

    private static async Task<long> PublishedBytesAsync(
        DbConnection connection,
        DbTransaction transaction,
        MemberId publisher
    )
    {
        await using var sum = Sql.Command(
            connection,
            transaction,
            "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM catalogue WHERE publisher = @publisher",
            ("publisher", publisher.ToArray())
        );
        return Convert.ToInt64(await sum.ExecuteScalarAsync().ConfigureAwait(false), CultureInfo.InvariantCulture);
    }
}
