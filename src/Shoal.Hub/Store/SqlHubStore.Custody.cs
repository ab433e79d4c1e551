using System.Buffers.Binary;
using System.Data.Common;
using System.Globalization;
using Shoal.Membership;

namespace Shoal.Hub;

internal sealed partial class SqlHubStore : ICustodyStore
{
    private const int MembersPerQuery = 500;
    private const string ReceiptColumns =
        "entry, version, tag, number, from_origin, from_members, complete, member, signed";

    public Task<ReceiptOutcome> TakeReceiptAsync(ReceiptRow row, CancellationToken cancellation) =>
        WriteAsync(
            async (connection, transaction) =>
            {
                await using var insert = Sql.Command(
                    connection,
                    transaction,
                    $"INSERT INTO receipts ({ReceiptColumns}) VALUES "
                        + "(@entry, @version, @tag, @number, @from_origin, @from_members, @complete, @member, @signed) "
                        + "ON CONFLICT (entry, version, tag) DO UPDATE SET number = excluded.number, "
                        + "from_origin = excluded.from_origin, from_members = excluded.from_members, "
                        + "complete = excluded.complete, member = excluded.member, signed = excluded.signed "
                        + "WHERE receipts.number < excluded.number",
                    ("entry", row.Entry.ToArray()),
                    ("version", row.Version),
                    ("tag", BytesOf(row.Tag)),
                    ("number", row.Number),
                    ("from_origin", row.FromOrigin),
                    ("from_members", row.FromMembers),
                    ("complete", row.IsComplete ? 1L : 0L)
                );
                AddBytes(insert, "member", row.Signed?.Member.ToArray());
                AddBytes(insert, "signed", row.Signed?.Receipt);
                if (await insert.ExecuteNonQueryAsync().ConfigureAwait(false) == 1)
                {
                    return ReceiptOutcome.Taken;
                }

                await using var select = Sql.Command(
                    connection,
                    transaction,
                    $"SELECT {ReceiptColumns} FROM receipts WHERE entry = @entry AND version = @version AND tag = @tag",
                    ("entry", row.Entry.ToArray()),
                    ("version", row.Version),
                    ("tag", BytesOf(row.Tag))
                );
                var known = (await ReadAllAsync(select, ReadReceipt).ConfigureAwait(false)).FirstOrDefault();
                // A signature differs each time it is made: what was said counts.
                return known is not null && known with { Signed = row.Signed } == row
                    ? ReceiptOutcome.Repeated
                    : ReceiptOutcome.Old;
            },
            cancellation
        );

    public Task<IReadOnlyList<ReceiptRow>> ListOwnReceiptsAsync(UInt128 tag, CancellationToken cancellation) =>
        ReadAsync<IReadOnlyList<ReceiptRow>>(
            async connection =>
            {
                await using var select = Sql.Command(
                    connection,
                    null,
                    $"SELECT {ReceiptColumns} FROM receipts WHERE tag = @tag ORDER BY entry, version",
                    ("tag", BytesOf(tag))
                );
                return await ReadAllAsync(select, ReadReceipt).ConfigureAwait(false);
            },
            cancellation
        );

    public Task ForgetReceiptsAsync(UInt128 tag, MemberId member, CancellationToken cancellation) =>
        RunAsync(
            cancellation,
            ("DELETE FROM receipts WHERE tag = @tag", [("tag", BytesOf(tag))]),
            ("DELETE FROM challenges WHERE member = @member", [("member", member.ToArray())])
        );

    public Task KeepAsync(ReceiptRetention retention, CancellationToken cancellation) =>
        retention switch
        {
            ReceiptRetention.None => RunAsync(
                cancellation,
                ("DELETE FROM receipts", []),
                ("DELETE FROM challenges", [])
            ),
            ReceiptRetention.Sums => RunAsync(
                cancellation,
                ("UPDATE receipts SET member = NULL, signed = NULL WHERE member IS NOT NULL", []),
                ("DELETE FROM challenges", [])
            ),
            _ => Task.CompletedTask,
        };

    public Task<ReceiptSums> SumReceiptsAsync(EntryId entry, long version, CancellationToken cancellation) =>
        ReadAsync(
            async connection =>
            {
                const string which = "FROM receipts WHERE entry = @entry AND version = @version";
                await using var complete = Sql.Command(
                    connection,
                    null,
                    $"SELECT tag {which} AND complete = 1",
                    ("entry", entry.ToArray()),
                    ("version", version)
                );
                var tags = await ReadAllAsync(complete, row => TagOf(row, 0)).ConfigureAwait(false);
                await using var sums = Sql.Command(
                    connection,
                    null,
                    "SELECT COUNT(*), CAST(COALESCE(SUM(from_origin), 0) AS BIGINT), "
                        + $"CAST(COALESCE(SUM(from_members), 0) AS BIGINT) {which}",
                    ("entry", entry.ToArray()),
                    ("version", version)
                );
                return (
                    await ReadAllAsync(
                            sums,
                            row => new ReceiptSums(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), tags)
                        )
                        .ConfigureAwait(false)
                )[0];
            },
            cancellation
        );

    public Task<IReadOnlyList<(SignedRow Row, bool IsRevoked)>> ListReceiptsAsync(
        EntryId entry,
        long version,
        MemberId? after,
        int limit,
        CancellationToken cancellation
    ) =>
        ReadAsync<IReadOnlyList<(SignedRow, bool)>>(
            async connection =>
            {
                await using var select = Sql.Command(
                    connection,
                    null,
                    "SELECT r.member, r.signed, m.revoked_at FROM receipts r JOIN members m ON m.id = r.member "
                        + "WHERE r.entry = @entry AND r.version = @version AND r.member > @after AND r.signed IS NOT NULL "
                        + "ORDER BY r.member LIMIT @limit",
                    ("entry", entry.ToArray()),
                    ("version", version),
                    ("after", after?.ToArray() ?? []),
                    ("limit", (long)limit)
                );
                return await ReadAllAsync(
                        select,
                        row => (new SignedRow(new MemberId(row.Bytes(0)), row.Bytes(1)), !row.IsDBNull(2))
                    )
                    .ConfigureAwait(false);
            },
            cancellation
        );

    public Task<bool> ClaimsCopyAsync(EntryId entry, long version, MemberId member, CancellationToken cancellation) =>
        ReadAsync(
            async connection =>
            {
                await using var count = Sql.Command(
                    connection,
                    null,
                    "SELECT COUNT(*) FROM receipts r JOIN members m ON m.id = r.member WHERE r.entry = @entry AND "
                        + "r.version = @version AND r.member = @member AND r.complete = 1 AND m.revoked_at IS NULL",
                    ("entry", entry.ToArray()),
                    ("version", version),
                    ("member", member.ToArray())
                );
                return Convert.ToInt64(
                        await count.ExecuteScalarAsync().ConfigureAwait(false),
                        CultureInfo.InvariantCulture
                    ) > 0;
            },
            cancellation
        );

    public Task<int> CountMembersAsync(IReadOnlyCollection<MemberId> members, CancellationToken cancellation) =>
        ReadAsync(
            async connection =>
            {
                var found = 0L;
                foreach (var some in members.Distinct().Chunk(MembersPerQuery))
                {
                    await using var count = Sql.Command(connection, null, "");
                    var names = new List<string>(some.Length);
                    foreach (var member in some)
                    {
                        names.Add(string.Create(CultureInfo.InvariantCulture, $"@m{names.Count}"));
                        Sql.Add(count, names[^1][1..], member.ToArray());
                    }

#pragma warning disable CA2100 // names of parameters only
                    count.CommandText = $"SELECT COUNT(*) FROM members WHERE id IN ({string.Join(", ", names)})";
#pragma warning restore CA2100
                    found += Convert.ToInt64(
                        await count.ExecuteScalarAsync().ConfigureAwait(false),
                        CultureInfo.InvariantCulture
                    );
                }

                return (int)found;
            },
            cancellation
        );

    private static IEnumerable<string> CustodySchema(SqlDatabase database) =>
        [
            $"CREATE TABLE IF NOT EXISTS receipts (entry {database.Bytes} NOT NULL, version BIGINT NOT NULL, "
                + $"tag {database.Bytes} NOT NULL, number BIGINT NOT NULL, from_origin BIGINT NOT NULL, "
                + $"from_members BIGINT NOT NULL, complete BIGINT NOT NULL, member {database.Bytes}, "
                + $"signed {database.Bytes}, PRIMARY KEY (entry, version, tag))",
            "CREATE INDEX IF NOT EXISTS receipts_tag ON receipts (tag)",
            $"CREATE TABLE IF NOT EXISTS challenges (id {database.Bytes} NOT NULL PRIMARY KEY, "
                + $"challenger {database.Bytes} NOT NULL, member {database.Bytes} NOT NULL, "
                + $"entry {database.Bytes} NOT NULL, version BIGINT NOT NULL, challenge {database.Bytes} NOT NULL, "
                + $"expires BIGINT NOT NULL, fetched BIGINT, answer {database.Bytes}, answered BIGINT)",
            "CREATE INDEX IF NOT EXISTS challenges_member ON challenges (member)",
        ];

    private Task<bool> RunAsync(
        CancellationToken cancellation,
        params (string Text, (string Name, object? Value)[] Values)[] statements
    ) =>
        WriteAsync(
            async (connection, transaction) =>
            {
                foreach (var (text, values) in statements)
                {
                    await using var command = Sql.Command(connection, transaction, text, values);
                    await command.ExecuteNonQueryAsync().ConfigureAwait(false);
                }

                return true;
            },
            cancellation
        );

    /// <summary>A null has no type of its own, which PostgreSQL wants to know.</summary>
    private static void AddBytes(DbCommand command, string name, byte[]? value)
    {
        Sql.Add(command, name, value);
        command.Parameters[^1].DbType = System.Data.DbType.Binary;
    }

    private static byte[] BytesOf(UInt128 tag)
    {
        var bytes = new byte[ReceiptTags.Size];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, tag);
        return bytes;
    }

    private static UInt128 TagOf(DbDataReader row, int column) =>
        BinaryPrimitives.ReadUInt128BigEndian(row.Bytes(column));

    private static ReceiptRow ReadReceipt(DbDataReader row) =>
        new(
            new EntryId(row.Bytes(0)),
            row.GetInt64(1),
            TagOf(row, 2),
            row.GetInt64(3),
            row.GetInt64(4),
            row.GetInt64(5),
            row.GetInt64(6) != 0,
            row.IsDBNull(7) || row.IsDBNull(8) ? null : new SignedRow(new MemberId(row.Bytes(7)), row.Bytes(8))
        );
}
