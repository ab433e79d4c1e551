using System.Data.Common;
using System.Globalization;
using System.Text;
using Shoal.Membership;

namespace Shoal.Hub;

internal sealed partial class SqlHubStore
{
    // 12 values each. SQLite looks for each value's name among all of them, so a few rows at once are the fastest there;
    // for PostgreSQL it saves most of the round trips.
    private const int RowsPerInsert = 20;

    private const string InvitationColumns =
        "id, secret_hash, name, role, publish_bytes, invite_count, made, expires, uses, used, made_by, revoked";

    private const string InvitationNames =
        "@id, @secret_hash, @name, @role, @publish_bytes, @invite_count, @made, @expires, @uses, @used, @made_by, @revoked";

    // Whoever may invite counts with all that it may invite: who can invite three cannot make somebody who invites a thousand.
    private const string Weight = "(1 + CASE WHEN role = 2 THEN COALESCE(invite_count, 0) ELSE 0 END)";

    private static readonly (string, string, string) InvitationTable = (
        "invitations",
        InvitationColumns,
        InvitationNames
    );
    private static readonly (string, string, string) MemberTable = ("members", MemberColumns, MemberNames);

    public Task<InviteOutcome> InviteAsync(
        InviteCharge charge,
        IReadOnlyList<InvitationRow> invitations,
        IReadOnlyList<MemberRow> members,
        DateTimeOffset now,
        CancellationToken cancellation
    ) =>
        WriteAsync(
            async (connection, transaction) =>
            {
                // Locks the administrator's row: two requests of one do not both find that there is room.
                if (await IsRevokedAsync(connection, transaction, charge.By).ConfigureAwait(false))
                {
                    return InviteOutcome.NotAMember;
                }

                if (
                    !await AddAsync(connection, transaction, InvitationTable, invitations, Values).ConfigureAwait(false)
                    || !await AddAsync(connection, transaction, MemberTable, members, Values).ConfigureAwait(false)
                )
                {
                    throw new Undo<InviteOutcome>(InviteOutcome.Taken);
                }

                return
                    charge.Limit is { } limit
                    && await CountInvitedAsync(connection, transaction, charge.By, now).ConfigureAwait(false) > limit
                    ? throw new Undo<InviteOutcome>(InviteOutcome.QuotaExceeded)
                    : InviteOutcome.Invited;
            },
            cancellation
        );

    public Task<InvitationRow?> FindInvitationAsync(InvitationId id, CancellationToken cancellation) =>
        ReadAsync(connection => FindInvitationAsync(connection, null, id), cancellation);

    public Task<IReadOnlyList<InvitationRow>> ListInvitationsAsync(
        InvitationId? after,
        int limit,
        CancellationToken cancellation
    ) =>
        ReadAsync<IReadOnlyList<InvitationRow>>(
            async connection =>
            {
                await using var select = Sql.Command(
                    connection,
                    null,
                    $"SELECT {InvitationColumns} FROM invitations WHERE position > "
                        + "COALESCE((SELECT position FROM invitations WHERE id = @after), 0) ORDER BY position LIMIT @limit",
                    ("after", after?.ToArray() ?? []),
                    ("limit", (long)limit)
                );
                return await ReadAllAsync(select, ReadInvitation).ConfigureAwait(false);
            },
            cancellation
        );

    public Task<long> CountInvitedAsync(MemberId madeBy, DateTimeOffset now, CancellationToken cancellation) =>
        ReadAsync(connection => CountInvitedAsync(connection, null, madeBy, now), cancellation);

    public Task<bool> RevokeInvitationAsync(InvitationId id, CancellationToken cancellation) =>
        WriteAsync(
            async (connection, transaction) =>
            {
                await using var update = Sql.Command(
                    connection,
                    transaction,
                    "UPDATE invitations SET revoked = 1 WHERE id = @id",
                    ("id", id.ToArray())
                );
                return await update.ExecuteNonQueryAsync().ConfigureAwait(false) == 1;
            },
            cancellation
        );

    public Task<Redemption> RedeemAsync(
        InvitationId id,
        MemberRow newcomer,
        DateTimeOffset now,
        CancellationToken cancellation
    ) =>
        WriteAsync(
            async (connection, transaction) =>
            {
                // The row of the invitation is locked from here to the end: a second hub with the same request waits, and
                // finds the member then.
                await using var count = Sql.Command(
                    connection,
                    transaction,
                    "UPDATE invitations SET used = used + 1 "
                        + "WHERE id = @id AND revoked = 0 AND expires > @now AND used < uses",
                    ("id", id.ToArray()),
                    ("now", now.ToUnixTimeSeconds())
                );
                var isCounted = await count.ExecuteNonQueryAsync().ConfigureAwait(false) == 1;
                if (
                    await FindRedeemedAsync(connection, transaction, id, newcomer.KeyHash).ConfigureAwait(false) is
                    { } known
                )
                {
                    throw new Undo<Redemption>(
                        known.RevokedAt is null
                            ? new Redemption(RedemptionOutcome.Repeated, known)
                            : new Redemption(RedemptionOutcome.Revoked, null)
                    );
                }

                if (!isCounted)
                {
                    var row = await FindInvitationAsync(connection, transaction, id).ConfigureAwait(false);
                    return new Redemption(WhyNot(row, now), null);
                }

                var member = newcomer with { Invitation = id };
                return await InsertAsync(connection, transaction, MemberTable, [member], Values).ConfigureAwait(false)
                    ? new Redemption(RedemptionOutcome.Joined, member)
                    : throw new InvalidOperationException("a random id was given twice");
            },
            cancellation
        );

    private static async Task<bool> IsRevokedAsync(DbConnection connection, DbTransaction transaction, MemberId member)
    {
        await using var take = Sql.Command(
            connection,
            transaction,
            "UPDATE members SET name = name WHERE id = @id AND revoked_at IS NULL",
            ("id", member.ToArray())
        );
        await take.ExecuteNonQueryAsync().ConfigureAwait(false);
        await using var count = Sql.Command(
            connection,
            transaction,
            "SELECT COUNT(*) FROM members WHERE id = @id AND revoked_at IS NOT NULL",
            ("id", member.ToArray())
        );
        return await NumberAsync(count).ConfigureAwait(false) > 0;
    }

    private static async Task<long> CountInvitedAsync(
        DbConnection connection,
        DbTransaction? transaction,
        MemberId by,
        DateTimeOffset now
    )
    {
        await using var links = Sql.Command(
            connection,
            transaction,
            "SELECT COALESCE(SUM((CASE WHEN revoked <> 0 OR expires <= @now THEN used ELSE uses END) * "
                + $"{Weight}), 0) FROM invitations WHERE made_by = @by",
            ("by", by.ToArray()),
            ("now", now.ToUnixTimeSeconds())
        );
        await using var others = Sql.Command(
            connection,
            transaction,
            $"SELECT COALESCE(SUM({Weight}), 0) FROM members "
                + "WHERE invited_by = @by AND invitation IS NULL AND id <> @by",
            ("by", by.ToArray())
        );
        return await NumberAsync(links).ConfigureAwait(false)
            + await NumberAsync(others).ConfigureAwait(false)
            + await CountGrantedAsync(connection, transaction, by).ConfigureAwait(false);
    }

    private static async Task<long> NumberAsync(DbCommand select) =>
        Convert.ToInt64(await select.ExecuteScalarAsync().ConfigureAwait(false), CultureInfo.InvariantCulture);

    private static async Task<bool> AddAsync<TRow>(
        DbConnection connection,
        DbTransaction transaction,
        (string, string, string) table,
        IReadOnlyList<TRow> all,
        Func<TRow, object?[]> values
    )
    {
        foreach (var rows in all.Chunk(RowsPerInsert))
        {
            if (!await InsertAsync(connection, transaction, table, rows, values).ConfigureAwait(false))
            {
                return false;
            }
        }

        return true;
    }

    private static RedemptionOutcome WhyNot(InvitationRow? row, DateTimeOffset now) =>
        row switch
        {
            null => RedemptionOutcome.Unknown,
            { IsRevoked: true } => RedemptionOutcome.Revoked,
            _ when row.Expires <= now => RedemptionOutcome.Expired,
            _ => RedemptionOutcome.UsedUp,
        };

    private static async Task<InvitationRow?> FindInvitationAsync(
        DbConnection connection,
        DbTransaction? transaction,
        InvitationId id
    )
    {
        await using var select = Sql.Command(
            connection,
            transaction,
            $"SELECT {InvitationColumns} FROM invitations WHERE id = @id",
            ("id", id.ToArray())
        );
        return (await ReadAllAsync(select, ReadInvitation).ConfigureAwait(false)).FirstOrDefault();
    }

    /// <summary>Many rows in one statement; false: one of them is there already, and the caller takes everything back.</summary>
    private static async Task<bool> InsertAsync<TRow>(
        DbConnection connection,
        DbTransaction transaction,
        (string Name, string Columns, string Values) table,
        TRow[] rows,
        Func<TRow, object?[]> values
    )
    {
        var names = table.Values.Split(", ");
        var text = new StringBuilder($"INSERT INTO {table.Name} ({table.Columns}) VALUES ");
        await using var insert = Sql.Command(connection, transaction, "");
        for (var i = 0; i < rows.Length; i++)
        {
            var parameters = names.Select(name => string.Create(CultureInfo.InvariantCulture, $"{name}{i}")).ToArray();
            text.Append(i == 0 ? "(" : ", (").AppendJoin(", ", parameters).Append(')');
            foreach (var (name, value) in parameters.Zip(values(rows[i])))
            {
                Sql.Add(insert, name[1..], value);
            }
        }

        text.Append(" ON CONFLICT DO NOTHING");
#pragma warning disable CA2100
        insert.CommandText = text.ToString();
#pragma warning restore CA2100
        return await insert.ExecuteNonQueryAsync().ConfigureAwait(false) == rows.Length;
    }

    private static object?[] Values(InvitationRow row) =>
        [
            row.Id.ToArray(),
            row.SecretHash,
            row.Name,
            (long)row.Role,
            row.Quota.PublishBytes,
            row.Quota.Invitations,
            row.Made.ToUnixTimeSeconds(),
            row.Expires.ToUnixTimeSeconds(),
            (long)row.Uses,
            (long)row.Used,
            row.MadeBy.ToArray(),
            row.IsRevoked ? 1L : 0L,
        ];

    private static InvitationRow ReadInvitation(DbDataReader row) =>
        new(
            new InvitationId(row.Bytes(0)),
            row.Bytes(1),
            row.GetString(2),
            (MemberRole)row.GetInt64(3),
            new MemberQuota(row.NumberOrNull(4), row.NumberOrNull(5)),
            row.Time(6),
            row.Time(7),
            (int)row.GetInt64(8),
            (int)row.GetInt64(9),
            new MemberId(row.Bytes(10)),
            row.GetInt64(11) != 0
        );

    private static async Task<List<T>> ReadAllAsync<T>(DbCommand select, Func<DbDataReader, T> read)
    {
        var rows = new List<T>();
        await using var reader = await select.ExecuteReaderAsync().ConfigureAwait(false);
        while (await reader.ReadAsync().ConfigureAwait(false))
        {
            rows.Add(read(reader));
        }

        return rows;
    }
}
