using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>The file of tokens and logins in the state folder.</summary>
internal sealed record AccessFile(IReadOnlyList<StoredToken> Tokens);

/// <summary>A token or a browser's login, without the secret.</summary>
/// <param name="Hash">SHA-256 of the secret, hexadecimal. The secret has 256 random bits, so nothing slower is needed.</param>
/// <param name="Parent">The token that a browser logged in with, which it goes with; null: a link, or no browser.</param>
internal sealed record StoredToken(
    string Id,
    string Name,
    AccessScope Scope,
    bool Session,
    string Hash,
    long CreatedAt,
    long? ExpiresAt,
    string? Parent = null
);
