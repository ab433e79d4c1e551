using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>
/// Who may call: tokens with scopes, browsers that have logged in, and codes that log one in once. Only hashes are kept.
/// There is no password, neither default nor chosen, so none can be weak.
/// </summary>
internal sealed class AccessKeys
{
    /// <summary>Browsers that are logged in at once; the oldest has to log in again beyond. Default 100.</summary>
    private const int MaxSessions = 100;

    /// <summary>Tokens. Default 1,000.</summary>
    private const int MaxTokens = 1000;

    /// <summary>Login links that were not used yet. Default 20.</summary>
    private const int MaxCodes = 20;

    private static readonly TimeSpan SessionTime = TimeSpan.FromDays(30);
    private static readonly TimeSpan CodeTime = TimeSpan.FromHours(24);

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly List<(byte[] Hash, DateTimeOffset Expires)> _codes = [];
    private List<StoredToken> _tokens;

    private AccessKeys(string path, List<StoredToken> tokens, TimeProvider time)
    {
        _path = path;
        _tokens = tokens;
        _time = time;
    }

    /// <summary>Nobody has ever been let in.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _tokens.Count == 0;
            }
        }
    }

    /// <exception cref="IOException">The file cannot be read, or is broken: nobody is let in by guessing.</exception>
    public static AccessKeys Open(string path, TimeProvider time)
    {
        if (!File.Exists(path))
        {
            return new AccessKeys(path, [], time);
        }

        try
        {
            var file = JsonSerializer.Deserialize(File.ReadAllBytes(path), StateJson.Default.AccessFile);
            return new AccessKeys(path, [.. file?.Tokens ?? []], time);
        }
        catch (JsonException error)
        {
            throw new IOException(
                $"'{path}' is broken ({error.Message}); without it all have to log in again: remove it",
                error
            );
        }
        catch (UnauthorizedAccessException error)
        {
            throw new IOException(error.Message, error);
        }
    }

    public TokenList List()
    {
        lock (_lock)
        {
            Expire();
            return new TokenList([.. _tokens.Select(Describe)]);
        }
    }

    /// <summary>What a secret allows; null: nothing.</summary>
    public AccessScope? Check(string secret) => Find(secret)?.Scope;

    /// <summary>The same, with the id of the token or login.</summary>
    public (string? Id, AccessScope? Scope) Know(string secret) =>
        // Not "default": the type of both would be that of the first, whose default scope is one that may read.
        Find(secret) is { } found
            ? (found.Id, found.Scope)
            : (null, null);

    /// <summary>Whether a token or login is still good, by its id.</summary>
    public bool Has(string id)
    {
        lock (_lock)
        {
            var now = _time.GetUtcNow().ToUnixTimeSeconds();
            return _tokens.Exists(token => token.Id == id && !(token.ExpiresAt < now));
        }
    }

    /// <summary>The id of a token, by its secret; null: it is none, or a browser's login.</summary>
    public string? TokenOf(string secret) => Find(secret) is { Session: false } token ? token.Id : null;

    /// <summary>What a token allows, by its id; null: there is none.</summary>
    public AccessScope? ScopeOf(string id)
    {
        lock (_lock)
        {
            return _tokens.Find(token => token.Id == id && !token.Session)?.Scope;
        }
    }

    /// <summary>Makes a token.</summary>
    /// <exception cref="ApiException">Its name is not right, there are too many, or it cannot be saved.</exception>
    public CreatedToken Create(string name, AccessScope scope)
    {
        if (name.Length is 0 or > 100 || name.Any(char.IsControl))
        {
            throw ApiException.Bad("name", "name: 1 to 100 characters, none of them a control character");
        }

        lock (_lock)
        {
            if (_tokens.Count(token => !token.Session) >= MaxTokens)
            {
                throw new ApiException(507, "too-many-tokens", $"there are {MaxTokens} tokens already");
            }

            if (_tokens.Exists(token => !token.Session && token.Name == name))
            {
                throw new ApiException(409, "token-exists", $"there is a token '{name}' already") { Key = "name" };
            }

            return Add(name, scope, isSession: false);
        }
    }

    /// <exception cref="ApiException">There is none, or it cannot be saved.</exception>
    public void Remove(string id)
    {
        lock (_lock)
        {
            var gone = _tokens
                .FindAll(token => token.Id == id || (!token.Session && token.Name == id))
                .ConvertAll(token => token.Id);
            if (gone.Count == 0)
            {
                throw new ApiException(404, "no-such-token", $"there is no token '{id}'");
            }

            Save(
                _tokens.FindAll(token =>
                    !gone.Contains(token.Id) && (token.Parent is null || !gone.Contains(token.Parent))
                )
            );
        }
    }

    /// <summary>A code that logs a browser in, once, within a day.</summary>
    public string CreateCode()
    {
        var code = Secret("");
        lock (_lock)
        {
            _codes.RemoveAll(known => known.Expires < _time.GetUtcNow());
            if (_codes.Count >= MaxCodes)
            {
                _codes.RemoveAt(0);
            }

            _codes.Add((Hash(code), _time.GetUtcNow() + CodeTime));
        }

        return code;
    }

    /// <summary>Uses a code up.</summary>
    /// <returns>The secret of the browser's session and how long it lives; null: the code is none, or was used.</returns>
    public (string Secret, TimeSpan Lifetime)? Redeem(string code, string browser)
    {
        var hash = Hash(code);
        lock (_lock)
        {
            var now = _time.GetUtcNow();
            var found = _codes.FindIndex(known =>
                CryptographicOperations.FixedTimeEquals(known.Hash, hash) && known.Expires >= now
            );
            if (found < 0)
            {
                return null;
            }

            _codes.RemoveAt(found);
            return (Add(browser, AccessScope.Admin, isSession: true).Secret, SessionTime);
        }
    }

    /// <summary>A browser logs in with a token instead of a link.</summary>
    public (string Secret, TimeSpan Lifetime)? LogIn(string token, string browser) =>
        Find(token) is { Session: false } known ? (AddLocked(browser, known), SessionTime) : null;

    /// <summary>Ends a browser's login.</summary>
    public void LogOut(string secret)
    {
        if (Find(secret) is { Session: true } session)
        {
            Remove(session.Id);
        }
    }

    private string AddLocked(string name, StoredToken token)
    {
        lock (_lock)
        {
            return Add(name, token.Scope, isSession: true, token.Id).Secret;
        }
    }

    private StoredToken? Find(string secret)
    {
        var hash = Hash(secret);
        StoredToken? found = null;
        lock (_lock)
        {
            var now = _time.GetUtcNow().ToUnixTimeSeconds();
            // All are compared, so that the time says nothing.
            foreach (var token in _tokens)
            {
                if (
                    CryptographicOperations.FixedTimeEquals(Convert.FromHexString(token.Hash), hash)
                    && !(token.ExpiresAt < now)
                )
                {
                    found = token;
                }
            }
        }

        return found;
    }

    private CreatedToken Add(string name, AccessScope scope, bool isSession, string? parent = null)
    {
        Expire();
        var secret = Secret(isSession ? "" : "shoal_");
        var now = _time.GetUtcNow();
        var token = new StoredToken(
            Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)),
            name,
            scope,
            isSession,
            Convert.ToHexStringLower(Hash(secret)),
            now.ToUnixTimeSeconds(),
            isSession ? (now + SessionTime).ToUnixTimeSeconds() : null,
            parent
        );
        var all = _tokens.ToList();
        var sessions = all.Where(known => known.Session).OrderBy(known => known.CreatedAt).ToList();
        if (isSession && sessions.Count >= MaxSessions)
        {
            all.Remove(sessions[0]);
        }

        Save([.. all, token]);
        return new CreatedToken(Describe(token), secret);
    }

    private void Expire()
    {
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        _tokens.RemoveAll(token => token.ExpiresAt < now);
    }

    private void Save(List<StoredToken> tokens)
    {
        try
        {
            AtomicFile.Write(
                _path,
                JsonSerializer.SerializeToUtf8Bytes(new AccessFile(tokens), StateJson.Default.AccessFile)
            );
            _tokens = tokens;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ApiException(500, "state-not-saved", $"the state folder cannot be written: {error.Message}");
        }
    }

    private static TokenItem Describe(StoredToken token) =>
        new()
        {
            Id = token.Id,
            Name = token.Name,
            Scope = token.Scope,
            Session = token.Session,
            CreatedAt = token.CreatedAt,
            ExpiresAt = token.ExpiresAt,
        };

    private static string Secret(string prefix) =>
        prefix
        + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));
}
