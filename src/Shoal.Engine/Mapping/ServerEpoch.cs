namespace Shoal.Engine;

/// <summary>Finds out by the clock that a server sends whether it has lost what it knew.</summary>
internal sealed class ServerEpoch
{
    private uint _server;
    private TimeSpan _client;
    private bool _isKnown;

    /// <summary>Takes the seconds of one answer; true: the server began anew since the last one.</summary>
    public bool HasRestarted(uint seconds, TimeSpan now)
    {
        var hasRestarted = _isKnown && IsInconsistent(seconds, now);
        (_server, _client, _isKnown) = (seconds, now, true);
        return hasRestarted;
    }

    // RFC 6887, 8.5. NAT-PMP's rule (RFC 6886, 3.6) is laxer; who follows it fits this one too.
    private bool IsInconsistent(uint seconds, TimeSpan now)
    {
        if (seconds + 1L < _server)
        {
            return true;
        }

        var client = (now - _client).TotalSeconds;
        var server = (double)seconds - _server;
        return client + 2 < server - server / 16 || server + 2 < client - client / 16;
    }
}
