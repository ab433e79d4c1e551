using System.Security.Cryptography;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>
/// Apps that have logged in, each by the cookie it got, and what each was told last. In memory only: after a restart apps are
/// answered 403 and log in again, as with qBittorrent.
/// </summary>
internal sealed class QBittorrentSessions(AccessKeys access, TimeProvider time)
{
    /// <summary>Sessions at once; the one that was quiet longest has to log in again beyond. Default 64.</summary>
    public const int MaxSessions = 64;

    /// <summary>A session ends when it was quiet for so long. Default one hour, as qBittorrent has it.</summary>
    public static readonly TimeSpan IdleTime = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, QBittorrentSession> _sessions = new(StringComparer.Ordinal);

    /// <summary>Logs in with a token.</summary>
    /// <returns>The secret of the session; null: it is no token.</returns>
    public string? Start(string token)
    {
        if (access.TokenOf(token) is not { } id)
        {
            return null;
        }

        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        Add("sid " + secret, id);
        return secret;
    }

    /// <summary>The session of a cookie, with what its token allows now; null: there is none, or the token was removed.</summary>
    public (QBittorrentSession Session, AccessScope Scope)? Find(string secret)
    {
        lock (_lock)
        {
            Expire();
            if (!_sessions.TryGetValue("sid " + secret, out var session))
            {
                return null;
            }

            if (access.ScopeOf(session.TokenId) is not { } scope)
            {
                _sessions.Remove("sid " + secret);
                return null;
            }

            session.LastUse = time.GetUtcNow();
            return (session, scope);
        }
    }

    public void End(string secret)
    {
        lock (_lock)
        {
            _sessions.Remove("sid " + secret);
        }
    }

    /// <summary>Of a caller that says with every call who it is, and has no cookie.</summary>
    /// <param name="caller">Whatever tells it from others.</param>
    public QBittorrentSession OfCaller(string caller)
    {
        lock (_lock)
        {
            Expire();
            if (!_sessions.TryGetValue("caller " + caller, out var session))
            {
                return Add("caller " + caller, "");
            }

            session.LastUse = time.GetUtcNow();
            return session;
        }
    }

    private QBittorrentSession Add(string key, string tokenId)
    {
        lock (_lock)
        {
            Expire();
            if (_sessions.Count >= MaxSessions)
            {
                _sessions.Remove(_sessions.MinBy(entry => entry.Value.LastUse).Key);
            }

            return _sessions[key] = new QBittorrentSession(tokenId) { LastUse = time.GetUtcNow() };
        }
    }

    private void Expire()
    {
        var oldest = time.GetUtcNow() - IdleTime;
        foreach (var key in _sessions.Where(entry => entry.Value.LastUse < oldest).Select(entry => entry.Key).ToList())
        {
            _sessions.Remove(key);
        }
    }
}

/// <summary>One app that is logged in.</summary>
/// <param name="tokenId">Of the token it logged in with; empty: it says who it is with every call.</param>
internal sealed class QBittorrentSession(string tokenId)
{
    public string TokenId { get; } = tokenId;
    public DateTimeOffset LastUse { get; set; }
    public QBittorrentMainData MainData { get; } = new();
    public QBittorrentPeerSync Peers { get; } = new();
}
