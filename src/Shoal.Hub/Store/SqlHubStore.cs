using System.Data.Common;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>The store in SQL, in the words that SQLite and PostgreSQL have in common.</summary>
internal sealed partial class SqlHubStore : IHubStore
{
    private const int MaxAttempts = 20;
    private const long SchemaVersion = 1;

    private readonly SqlDatabase _database;

    private SqlHubStore(SqlDatabase database) => _database = database;

    /// <summary>Opens the file, which need not be there.</summary>
    /// <exception cref="HubStoreException">It cannot be used, or it belongs to another publication.</exception>
    public static Task<SqlHubStore> OpenSqliteAsync(
        string file,
        PublicationId publication,
        CancellationToken cancellation
    )
    {
        PrepareFile(file);
        return OpenAsync(new SqliteDatabase(file), publication, cancellation);
    }

    /// <summary>Opens the database, which must be there; its tables need not.</summary>
    /// <exception cref="HubStoreException">It cannot be used, or it belongs to another publication.</exception>
    public static Task<SqlHubStore> OpenPostgresAsync(
        string connectionString,
        PublicationId publication,
        CancellationToken cancellation
    ) => OpenAsync(new PostgresDatabase(connectionString), publication, cancellation);

    /// <summary>Null for SQLite.</summary>
    public PostgresDatabase? Postgres => _database as PostgresDatabase;

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    private static async Task<SqlHubStore> OpenAsync(
        SqlDatabase database,
        PublicationId publication,
        CancellationToken cancellation
    )
    {
        try
        {
            var store = new SqlHubStore(database);
            await store
                .WriteAsync(
                    (connection, transaction) => CreateAsync(connection, transaction, database, publication),
                    cancellation
                )
                .ConfigureAwait(false);
            return store;
        }
        catch (Exception exception) when (exception is DbException or IOException or UnauthorizedAccessException)
        {
            await database.DisposeAsync().ConfigureAwait(false);
            throw new HubStoreException(database.Describe(exception), exception);
        }
        catch
        {
            await database.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task<bool> CreateAsync(
        DbConnection connection,
        DbTransaction transaction,
        SqlDatabase database,
        PublicationId publication
    )
    {
        foreach (var statement in Schema(database))
        {
            await using var create = Sql.Command(connection, transaction, statement);
            await create.ExecuteNonQueryAsync().ConfigureAwait(false);
        }

        await using (
            var insert = Sql.Command(
                connection,
                transaction,
                "INSERT INTO hub (only_row, schema_version, publication) VALUES (1, @schema, @publication) "
                    + "ON CONFLICT (only_row) DO NOTHING",
                ("schema", SchemaVersion),
                ("publication", publication.ToArray())
            )
        )
        {
            await insert.ExecuteNonQueryAsync().ConfigureAwait(false);
        }

        await using var select = Sql.Command(connection, transaction, "SELECT schema_version, publication FROM hub");
        await using var row = await select.ExecuteReaderAsync().ConfigureAwait(false);
        await row.ReadAsync().ConfigureAwait(false);
        if (row.GetInt64(0) != SchemaVersion)
        {
            throw new HubStoreException(
                $"the database has format {row.GetInt64(0)}, this version knows {SchemaVersion}"
            );
        }

        return new PublicationId(row.Bytes(1)) == publication
            ? true
            : throw new HubStoreException("the database belongs to another publication than this authority's key");
    }

    // What names people or their keys is readable by its owner only, from its first byte.
    private static void PrepareFile(string file)
    {
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            new FileStream(file, options).Dispose();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new HubStoreException(exception.Message, exception);
        }
    }

    private static IEnumerable<string> Schema(SqlDatabase database) =>
        [
            $"CREATE TABLE IF NOT EXISTS hub (only_row BIGINT PRIMARY KEY, schema_version BIGINT NOT NULL, "
                + $"publication {database.Bytes} NOT NULL)",
            $"CREATE TABLE IF NOT EXISTS invitations (position {database.Counter}, id {database.Bytes} NOT NULL UNIQUE, "
                + $"secret_hash {database.Bytes} NOT NULL, name TEXT NOT NULL, role BIGINT NOT NULL, "
                + "publish_bytes BIGINT, invite_count BIGINT, made BIGINT NOT NULL, expires BIGINT NOT NULL, "
                + $"uses BIGINT NOT NULL, used BIGINT NOT NULL, made_by {database.Bytes} NOT NULL, "
                + "revoked BIGINT NOT NULL)",
            "CREATE INDEX IF NOT EXISTS invitations_made_by ON invitations (made_by)",
            $"CREATE TABLE IF NOT EXISTS members (position {database.Counter}, id {database.Bytes} NOT NULL UNIQUE, "
                + $"invitation {database.Bytes}, key_hash {database.Bytes} NOT NULL, name TEXT NOT NULL, "
                + $"role BIGINT NOT NULL, publish_bytes BIGINT, invite_count BIGINT, invited_by {database.Bytes} NOT NULL, "
                + "joined BIGINT NOT NULL, revoked_at BIGINT, UNIQUE (invitation, key_hash))",
            $"CREATE TABLE IF NOT EXISTS role_grants (member {database.Bytes} NOT NULL, made_by {database.Bytes} NOT NULL, "
                + "people BIGINT NOT NULL, UNIQUE (member, made_by))",
            "CREATE TABLE IF NOT EXISTS revocations (only_row BIGINT PRIMARY KEY, number BIGINT NOT NULL, "
                + $"list {database.Bytes} NOT NULL)",
            $"CREATE TABLE IF NOT EXISTS catalogue (position {database.Counter}, id {database.Bytes} NOT NULL, "
                + $"version BIGINT NOT NULL, publisher {database.Bytes} NOT NULL, size BIGINT NOT NULL, "
                + $"published BIGINT NOT NULL, entry {database.Bytes} NOT NULL, torrent {database.Bytes} NOT NULL, "
                + "UNIQUE (id, version))",
            .. CustodySchema(database),
        ];

    private async Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> work, CancellationToken cancellation)
    {
        var connection = await _database.OpenAsync(cancellation).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            return await work(connection).ConfigureAwait(false);
        }
    }

    /// <summary>One transaction, again from its beginning when it met another. Cancelled only before it begins.</summary>
    private async Task<T> WriteAsync<T>(Func<DbConnection, DbTransaction, Task<T>> work, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var turn = await _database.BeforeWriteAsync(cancellation).ConfigureAwait(false);
                var connection = await _database.OpenAsync(cancellation).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    var transaction = await connection
                        .BeginTransactionAsync(CancellationToken.None)
                        .ConfigureAwait(false);
                    await using (transaction.ConfigureAwait(false))
                    {
                        var result = await work(connection, transaction).ConfigureAwait(false);
                        await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
                        return result;
                    }
                }
            }
            catch (DbException exception) when (attempt < MaxAttempts && _database.IsCollision(exception))
            {
                // Whoever was first is done by now, or soon.
                await Task.Delay(TimeSpan.FromMilliseconds(attempt), CancellationToken.None).ConfigureAwait(false);
            }
            catch (Undo<T> undo)
            {
                return undo.Result;
            }
        }
    }

    /// <summary>Thrown inside a transaction to take back what it did and yet to return something.</summary>
    private sealed class Undo<T>(T result) : Exception
    {
        public T Result { get; } = result;
    }
}
