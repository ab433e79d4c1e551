using System.Data.Common;

namespace Shoal.Hub;

/// <summary>What two databases do differently; the statements themselves are the same in both.</summary>
internal abstract class SqlDatabase : IAsyncDisposable
{
    /// <summary>The name of the type that holds bytes.</summary>
    public abstract string Bytes { get; }

    /// <summary>The name of the type of a number that the database counts up by itself.</summary>
    public abstract string Counter { get; }

    public abstract Task<DbConnection> OpenAsync(CancellationToken cancellation);

    /// <summary>
    /// Runs before a transaction that writes, and may wait; what it returns is disposed of after the transaction.
    /// </summary>
    public abstract Task<IDisposable?> BeforeWriteAsync(CancellationToken cancellation);

    /// <summary>Two writers met: nothing was done, and the same again may succeed.</summary>
    public abstract bool IsCollision(DbException exception);

    /// <summary>Says in one line what is wrong with the database.</summary>
    public abstract string Describe(Exception exception);

    public abstract ValueTask DisposeAsync();
}

/// <summary>A statement with its values, short to write.</summary>
internal static class Sql
{
    public static DbCommand Command(
        DbConnection connection,
        DbTransaction? transaction,
        string text,
        params ReadOnlySpan<(string Name, object? Value)> values
    )
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        // Every statement is a constant of this project; what comes from outside is a value.
#pragma warning disable CA2100
        command.CommandText = text;
#pragma warning restore CA2100
        foreach (var (name, value) in values)
        {
            Add(command, name, value);
        }

        return command;
    }

    public static void Add(DbCommand command, string name, object? value)
    {
        var parameter = command.CreateParameter();
        parameter.ParameterName = name;
        parameter.Value = value ?? DBNull.Value;
        command.Parameters.Add(parameter);
    }

    public static byte[] Bytes(this DbDataReader row, int column) => row.GetFieldValue<byte[]>(column);

    public static long? NumberOrNull(this DbDataReader row, int column) =>
        row.IsDBNull(column) ? null : row.GetInt64(column);

    public static DateTimeOffset Time(this DbDataReader row, int column) =>
        DateTimeOffset.FromUnixTimeSeconds(row.GetInt64(column));
}
