using System.Data.Common;
using Shoal.Membership;

namespace Shoal.Hub;

internal sealed partial class SqlHubStore
{
    public Task<RoleOutcome> ChangeRoleAsync(
        RoleChange change,
        InviteCharge charge,
        DateTimeOffset now,
        CancellationToken cancellation
    ) =>
        WriteAsync(
            async (connection, transaction) =>
            {
                // Both rows are locked from here on, the administrator's first: as inviting does.
                if (
                    await TakeMemberAsync(connection, transaction, charge.By).ConfigureAwait(false)
                    is not { Role: MemberRole.Administrator }
                )
                {
                    return RoleOutcome.NotAllowed;
                }

                if (
                    await TakeMemberAsync(connection, transaction, change.Member).ConfigureAwait(false)
                    is not { } before
                )
                {
                    return RoleOutcome.Unknown;
                }

                await SetRoleAsync(connection, transaction, change).ConfigureAwait(false);
                await ChargeAsync(connection, transaction, change, charge.By, PeopleOf(before, change))
                    .ConfigureAwait(false);
                if (before.Role == MemberRole.Administrator && IsLess(before, change))
                {
                    await TakeBackAsync(connection, transaction, change.Member).ConfigureAwait(false);
                }

                return
                    charge.Limit is { } limit
                    && await CountInvitedAsync(connection, transaction, charge.By, now).ConfigureAwait(false) > limit
                    ? throw new Undo<RoleOutcome>(RoleOutcome.QuotaExceeded)
                    : RoleOutcome.Changed;
            },
            cancellation
        );

    public Task<IReadOnlyDictionary<MemberId, MemberRole>> ListChangedRolesAsync(CancellationToken cancellation) =>
        ReadAsync<IReadOnlyDictionary<MemberId, MemberRole>>(
            async connection =>
            {
                await using var select = Sql.Command(
                    connection,
                    null,
                    "SELECT id, role FROM members WHERE id IN (SELECT member FROM role_grants)"
                );
                var rows = await ReadAllAsync(
                        select,
                        row => (Id: new MemberId(row.Bytes(0)), Role: (MemberRole)row.GetInt64(1))
                    )
                    .ConfigureAwait(false);
                return rows.ToDictionary(row => row.Id, row => row.Role);
            },
            cancellation
        );

    /// <summary>What of the new quota nobody has paid for yet.</summary>
    private static long PeopleOf(MemberRow before, RoleChange change)
    {
        if (change.Role != MemberRole.Administrator || change.Quota.Invitations is not { } people)
        {
            return 0;
        }

        var paid = before.Role == MemberRole.Administrator ? before.Quota.Invitations ?? people : 0;
        return Math.Max(0, people - paid);
    }

    private static bool IsLess(MemberRow before, RoleChange change) =>
        change.Role < before.Role
        || IsLess(before.Quota.PublishBytes, change.Quota.PublishBytes)
        || IsLess(before.Quota.Invitations, change.Quota.Invitations);

    private static bool IsLess(long? before, long? after) => after is { } limit && (before ?? long.MaxValue) > limit;

    /// <summary>Null: it is no member (any more).</summary>
    private static async Task<MemberRow?> TakeMemberAsync(
        DbConnection connection,
        DbTransaction transaction,
        MemberId id
    )
    {
        await using var take = Sql.Command(
            connection,
            transaction,
            "UPDATE members SET name = name WHERE id = @id AND revoked_at IS NULL",
            ("id", id.ToArray())
        );
        if (await take.ExecuteNonQueryAsync().ConfigureAwait(false) != 1)
        {
            return null;
        }

        await using var select = Sql.Command(
            connection,
            transaction,
            $"SELECT {MemberColumns} FROM members WHERE id = @id",
            ("id", id.ToArray())
        );
        return (await ReadAllAsync(select, ReadMember).ConfigureAwait(false)).FirstOrDefault();
    }

    private static async Task SetRoleAsync(DbConnection connection, DbTransaction transaction, RoleChange change)
    {
        await using var update = Sql.Command(
            connection,
            transaction,
            "UPDATE members SET role = @role, publish_bytes = @bytes, invite_count = @people WHERE id = @id",
            ("role", (long)change.Role),
            ("bytes", change.Quota.PublishBytes),
            ("people", change.Quota.Invitations),
            ("id", change.Member.ToArray())
        );
        await update.ExecuteNonQueryAsync().ConfigureAwait(false);
    }

    private static async Task ChargeAsync(
        DbConnection connection,
        DbTransaction transaction,
        RoleChange change,
        MemberId by,
        long people
    )
    {
        await using var charge = Sql.Command(
            connection,
            transaction,
            "INSERT INTO role_grants (member, made_by, people) VALUES (@member, @by, @people) "
                + "ON CONFLICT (member, made_by) DO UPDATE SET people = role_grants.people + excluded.people",
            ("member", change.Member.ToArray()),
            ("by", by.ToArray()),
            ("people", people)
        );
        await charge.ExecuteNonQueryAsync().ConfigureAwait(false);
    }

    /// <summary>Links of who may do less now let nobody in any more; who came by them stays.</summary>
    private static async Task TakeBackAsync(DbConnection connection, DbTransaction transaction, MemberId by)
    {
        await using var update = Sql.Command(
            connection,
            transaction,
            "UPDATE invitations SET revoked = 1 WHERE made_by = @by",
            ("by", by.ToArray())
        );
        await update.ExecuteNonQueryAsync().ConfigureAwait(false);
    }

    private static async Task<long> CountGrantedAsync(DbConnection connection, DbTransaction? transaction, MemberId by)
    {
        await using var sum = Sql.Command(
            connection,
            transaction,
            "SELECT COALESCE(SUM(people), 0) FROM role_grants WHERE made_by = @by",
            ("by", by.ToArray())
        );
        return await NumberAsync(sum).ConfigureAwait(false);
    }
}
