using System.Text.Json.Serialization;

namespace Shoal.Api;

/// <summary>What a token allows; each allows what those before it do.</summary>
[JsonConverter(typeof(WordEnumConverter<AccessScope>))]
public enum AccessScope
{
    /// <summary>To look.</summary>
    Read,

    /// <summary>Besides: to add, change and remove torrents.</summary>
    Control,

    /// <summary>Besides: settings, tokens, and to stop the daemon.</summary>
    Admin,
}

/// <summary>A token, or a browser that has logged in. The secret itself is not kept anywhere.</summary>
public sealed record TokenItem
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public AccessScope Scope { get; init; }

    /// <summary>A browser's login instead of a token.</summary>
    public bool Session { get; init; }
    public long CreatedAt { get; init; }

    /// <summary>Null: never.</summary>
    public long? ExpiresAt { get; init; }
}

/// <summary>All tokens and logins.</summary>
public sealed record TokenList(IReadOnlyList<TokenItem> Tokens);

/// <summary>A token to make.</summary>
public sealed record NewToken(string Name, AccessScope Scope = AccessScope.Control);

/// <summary>A token that was just made.</summary>
/// <param name="Secret">Shown this once.</param>
public sealed record CreatedToken(TokenItem Token, string Secret);

/// <summary>A link that logs a browser in, once.</summary>
/// <param name="Url">Null: the daemon does not listen for HTTP.</param>
/// <param name="Code">The part of it that counts.</param>
public sealed record LoginLink(string? Url, string Code);
