namespace Shoal.Engine;

/// <summary>What is wanted of a web server.</summary>
public sealed record FetchRequest
{
    /// <summary>Longer answers are refused, after unpacking.</summary>
    public required int MaxBytes { get; init; }

    /// <summary>It may lie in this machine's own network; a redirect never leads from the world into that.</summary>
    public bool MayBeLocal { get; init; }

    /// <summary>Of an earlier answer: nothing comes if it is still the same. Null: none.</summary>
    public string? ETag { get; init; }

    /// <summary>Of an earlier answer: nothing comes if it is not newer. Null: none.</summary>
    public string? LastModified { get; init; }
}

/// <summary>What a web server sent.</summary>
/// <param name="Body">Null: the same as before.</param>
/// <param name="ETag">To ask with the next time; null: the server gives none.</param>
/// <param name="LastModified">The same.</param>
public sealed record FetchAnswer(byte[]? Body, string? ETag, string? LastModified)
{
    /// <summary>It came from this machine's own network.</summary>
    public bool IsLocal { get; init; }
}
