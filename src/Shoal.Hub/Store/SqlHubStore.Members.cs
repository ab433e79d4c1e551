using System.Data.Common;
using Shoal.Membership;

namespace Shoal.Hub;

internal sealed partial class SqlHubStore
{
    private const string MemberColumns =
        "id, invitation, key_hash, name, role, publish_bytes, invite_count, invited_by, joined, revoked_at";

    private const string MemberNames =
        "@id, @invitation, @key_hash, @name, @role, @publish_bytes, @invite_count, @invited_by, @joined, @revoked_at";

    public Task<bool> AddMembersAsync(IReadOnlyList<MemberRow> members, CancellationToken cancellation) =>
        WriteAsync(
            async (connection, transaction) =>
                await AddAsync(connection, transaction, MemberTable, members, Values).ConfigureAwait(false)
                    ? true
                    : throw new Undo<bool>(false),
            cancellation
        );

    public Task<bool> ReplaceKeyAsync(MemberId id, byte[] before, byte[] next, CancellationToken cancellation) =>
        WriteAsync(
            async (connection, transaction) =>
            {
                await using var update = Sql.Command(
                    connection,
                    transaction,
                    "UPDATE members SET key_hash = @next WHERE id = @id AND (key_hash = @before OR key_hash = @next)",
                    ("id", id.ToArray()),
                    ("before", before),
                    ("next", next)
                );
                return await update.ExecuteNonQueryAsync().ConfigureAwait(false) == 1;
            },
            cancellation
        );

    public Task<MemberRow?> FindMemberAsync(MemberId id, CancellationToken cancellation) =>
        ReadAsync(
            async connection =>
            {
                await using var select = Sql.Command(
                    connection,
                    null,
                    $"SELECT {MemberColumns} FROM members WHERE id = @id",
                    ("id", id.ToArray())
                );
                return (await ReadAllAsync(select, ReadMember).ConfigureAwait(false)).FirstOrDefault();
            },
            cancellation
        );

    public Task<IReadOnlyList<MemberRow>> ListMembersAsync(
        MemberId? after,
        int limit,
        CancellationToken cancellation
    ) =>
        ReadAsync<IReadOnlyList<MemberRow>>(
            async connection =>
            {
                await using var select = Sql.Command(
                    connection,
                    null,
                    $"SELECT {MemberColumns} FROM members WHERE position > "
                        + "COALESCE((SELECT position FROM members WHERE id = @after), 0) ORDER BY position LIMIT @limit",
                    ("after", after?.ToArray() ?? []),
                    ("limit", (long)limit)
                );
                return await ReadAllAsync(select, ReadMember).ConfigureAwait(false);
            },
            cancellation
        );

    private static async Task<MemberRow?> FindRedeemedAsync(
        DbConnection connection,
        DbTransaction transaction,
        InvitationId invitation,
        byte[] keyHash
    )
    {
        await using var select = Sql.Command(
            connection,
            transaction,
            $"SELECT {MemberColumns} FROM members WHERE invitation = @invitation AND key_hash = @key",
            ("invitation", invitation.ToArray()),
            ("key", keyHash)
        );
        return (await ReadAllAsync(select, ReadMember).ConfigureAwait(false)).FirstOrDefault();
    }

    private static object?[] Values(MemberRow row) =>
        [
            row.Id.ToArray(),
            row.Invitation?.ToArray(),
            row.KeyHash,
            row.Name,
            (long)row.Role,
            row.Quota.PublishBytes,
            row.Quota.Invitations,
            row.InvitedBy.ToArray(),
            row.Joined.ToUnixTimeSeconds(),
            row.RevokedAt?.ToUnixTimeSeconds(),
        ];

    private static MemberRow ReadMember(DbDataReader row) =>
        new(
            new MemberId(row.Bytes(0)),
            row.IsDBNull(1) ? null : new InvitationId(row.Bytes(1)),
            row.Bytes(2),
            row.GetString(3),
            (MemberRole)row.GetInt64(4),
            new MemberQuota(row.NumberOrNull(5), row.NumberOrNull(6)),
            new MemberId(row.Bytes(7)),
            row.Time(8),
            row.IsDBNull(9) ? null : row.Time(9)
        );
}
