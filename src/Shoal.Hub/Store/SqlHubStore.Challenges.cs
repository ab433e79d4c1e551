using System.Data.Common;
using Shoal.Membership;

namespace Shoal.Hub;

// Challenges on their way, and their answers.
internal sealed partial class SqlHubStore
{
    private const int ChallengesAtOnce = 16;
    private const string ChallengeColumns =
        "id, challenger, member, entry, version, challenge, expires, fetched, answer, answered";

    public Task<bool> AddChallengeAsync(ChallengeRow row, CancellationToken cancellation) =>
        WriteAsync(
            async (connection, transaction) =>
            {
                await using var insert = Sql.Command(
                    connection,
                    transaction,
                    "INSERT INTO challenges (id, challenger, member, entry, version, challenge, expires) VALUES "
                        + "(@id, @challenger, @member, @entry, @version, @challenge, @expires) ON CONFLICT DO NOTHING",
                    ("id", row.Id),
                    ("challenger", row.Challenger.ToArray()),
                    ("member", row.Member.ToArray()),
                    ("entry", row.Entry.ToArray()),
                    ("version", row.Version),
                    ("challenge", row.Challenge),
                    ("expires", row.Expires.ToUnixTimeMilliseconds())
                );
                return await insert.ExecuteNonQueryAsync().ConfigureAwait(false) == 1;
            },
            cancellation
        );

    public Task<IReadOnlyList<byte[]>> FetchChallengesAsync(
        MemberId member,
        EntryId? entry,
        long version,
        DateTimeOffset now,
        CancellationToken cancellation
    ) =>
        WriteAsync<IReadOnlyList<byte[]>>(
            async (connection, transaction) =>
            {
                (string, object?)[] about = entry is { } one ? [("entry", one.ToArray()), ("version", version)] : [];
                await using var select = Sql.Command(
                    connection,
                    transaction,
                    $"SELECT {ChallengeColumns} FROM challenges WHERE member = @member "
                        + (entry is null ? "" : "AND entry = @entry AND version = @version ")
                        + "AND answer IS NULL AND expires > @now ORDER BY expires LIMIT @limit",
                    [
                        ("member", member.ToArray()),
                        ("now", now.ToUnixTimeMilliseconds()),
                        ("limit", (long)ChallengesAtOnce),
                        .. about,
                    ]
                );
                var open = await ReadAllAsync(select, ReadChallenge).ConfigureAwait(false);
                foreach (var row in open.Where(row => row.Fetched is null))
                {
                    await using var mark = Sql.Command(
                        connection,
                        transaction,
                        "UPDATE challenges SET fetched = @now WHERE id = @id AND fetched IS NULL",
                        ("now", now.ToUnixTimeMilliseconds()),
                        ("id", row.Id)
                    );
                    await mark.ExecuteNonQueryAsync().ConfigureAwait(false);
                }

                return [.. open.Select(row => row.Challenge)];
            },
            cancellation
        );

    public Task<bool> AnswerChallengeAsync(
        byte[] id,
        MemberId member,
        byte[] answer,
        DateTimeOffset now,
        CancellationToken cancellation
    ) =>
        WriteAsync(
            async (connection, transaction) =>
            {
                await using var update = Sql.Command(
                    connection,
                    transaction,
                    "UPDATE challenges SET answer = @answer, answered = @now WHERE id = @id AND member = @member "
                        + "AND fetched IS NOT NULL AND answer IS NULL AND expires > @now",
                    ("answer", answer),
                    ("now", now.ToUnixTimeMilliseconds()),
                    ("id", id),
                    ("member", member.ToArray())
                );
                return await update.ExecuteNonQueryAsync().ConfigureAwait(false) == 1;
            },
            cancellation
        );

    public Task<ChallengeRow?> CollectChallengeAsync(byte[] id, MemberId challenger, CancellationToken cancellation) =>
        WriteAsync(
            async (connection, transaction) =>
            {
                await using var select = Sql.Command(
                    connection,
                    transaction,
                    $"SELECT {ChallengeColumns} FROM challenges WHERE id = @id AND challenger = @challenger",
                    ("id", id),
                    ("challenger", challenger.ToArray())
                );
                var row = (await ReadAllAsync(select, ReadChallenge).ConfigureAwait(false)).FirstOrDefault();
                if (row?.Answer is not null)
                {
                    await using var delete = Sql.Command(
                        connection,
                        transaction,
                        "DELETE FROM challenges WHERE id = @id",
                        ("id", id)
                    );
                    await delete.ExecuteNonQueryAsync().ConfigureAwait(false);
                }

                return row;
            },
            cancellation
        );

    public Task<IReadOnlyList<MemberId>> ListChallengedAsync(DateTimeOffset now, CancellationToken cancellation) =>
        ReadAsync<IReadOnlyList<MemberId>>(
            async connection =>
            {
                await using var select = Sql.Command(
                    connection,
                    null,
                    "SELECT DISTINCT member FROM challenges WHERE fetched IS NULL AND expires > @now",
                    ("now", now.ToUnixTimeMilliseconds())
                );
                return await ReadAllAsync(select, row => new MemberId(row.Bytes(0))).ConfigureAwait(false);
            },
            cancellation
        );

    public Task ExpireChallengesAsync(DateTimeOffset now, CancellationToken cancellation) =>
        RunAsync(
            cancellation,
            ("DELETE FROM challenges WHERE expires <= @now", [("now", now.ToUnixTimeMilliseconds())])
        );

    private static ChallengeRow ReadChallenge(DbDataReader row) =>
        new(
            row.Bytes(0),
            new MemberId(row.Bytes(1)),
            new MemberId(row.Bytes(2)),
            new EntryId(row.Bytes(3)),
            row.GetInt64(4),
            row.Bytes(5),
            DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(6)),
            row.NumberOrNull(7) is { } fetched ? DateTimeOffset.FromUnixTimeMilliseconds(fetched) : null,
            row.IsDBNull(8) ? null : row.Bytes(8),
            row.NumberOrNull(9) is { } answered ? DateTimeOffset.FromUnixTimeMilliseconds(answered) : null
        );
}
