using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace Shoal.Hub;

/// <summary>
/// One file beside the hub. Write-ahead log, so that readers do not wait for writers, and full synchronisation, so that
/// what was answered survives a power cut.
/// </summary>
internal sealed class SqliteDatabase(string file) : SqlDatabase
{
    // "database is locked", of another process that has the file open: an administrator's backup.
    private const int Busy = 5;

    private readonly string _connection = new SqliteConnectionStringBuilder
    {
        DataSource = file,
        Mode = SqliteOpenMode.ReadWriteCreate,
        Pooling = true,
        DefaultTimeout = 30,
    }.ToString();

    // SQLite has one writer; waiting here is cheaper than its polling.
    private readonly SemaphoreSlim _writer = new(1);

    public override string Bytes => "BLOB";

    public override string Counter => "INTEGER PRIMARY KEY AUTOINCREMENT";

    public override async Task<DbConnection> OpenAsync(CancellationToken cancellation)
    {
        var connection = new SqliteConnection(_connection);
        try
        {
            await connection.OpenAsync(cancellation).ConfigureAwait(false);
            await using var pragmas = Sql.Command(
                connection,
                null,
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON"
            );
            await pragmas.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public override async Task<IDisposable?> BeforeWriteAsync(CancellationToken cancellation)
    {
        await _writer.WaitAsync(cancellation).ConfigureAwait(false);
        return new Turn(_writer);
    }

    public override bool IsCollision(DbException exception) => exception is SqliteException { SqliteErrorCode: Busy };

    public override string Describe(Exception exception) => $"{file}: {exception.Message}";

    public override ValueTask DisposeAsync()
    {
        using (var connection = new SqliteConnection(_connection))
        {
            SqliteConnection.ClearPool(connection);
        }

        _writer.Dispose();
        return default;
    }

    private sealed class Turn(SemaphoreSlim writer) : IDisposable
    {
        public void Dispose() => writer.Release();
    }
}
