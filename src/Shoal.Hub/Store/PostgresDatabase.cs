using System.Data.Common;
using Npgsql;

namespace Shoal.Hub;

/// <summary>A PostgreSQL server that several hubs share.</summary>
internal sealed class PostgresDatabase : SqlDatabase
{
    private readonly NpgsqlDataSource _source;

    /// <exception cref="HubStoreException">The connection string is none.</exception>
    public PostgresDatabase(string connectionString)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(connectionString)
            {
                // Errors would else carry values into whatever log the operator keeps.
                IncludeErrorDetail = false,
                MaxAutoPrepare = 32,
            };
            _source = new NpgsqlSlimDataSourceBuilder(settings.ToString()).EnableTransportSecurity().Build();
        }
        catch (ArgumentException exception)
        {
            // Not the string itself: there may be a password in it.
            throw new HubStoreException("this is no PostgreSQL connection string: " + exception.Message, exception);
        }
    }

    public override string Bytes => "BYTEA";

    public override string Counter => "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY";

    public NpgsqlDataSource Source => _source;

    public override async Task<DbConnection> OpenAsync(CancellationToken cancellation) =>
        await _source.OpenConnectionAsync(cancellation).ConfigureAwait(false);

    public override Task<IDisposable?> BeforeWriteAsync(CancellationToken cancellation) =>
        Task.FromResult<IDisposable?>(null);

    // Two hubs that create the tables at the same moment meet in the system catalogue.
    public override bool IsCollision(DbException exception) =>
        exception
            is PostgresException
            {
                SqlState: PostgresErrorCodes.SerializationFailure
                    or PostgresErrorCodes.DeadlockDetected
                    or PostgresErrorCodes.UniqueViolation
                    or PostgresErrorCodes.DuplicateTable
            };

    public override string Describe(Exception exception) => "PostgreSQL: " + exception.Message;

    public override ValueTask DisposeAsync() => _source.DisposeAsync();
}
