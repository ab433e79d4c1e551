namespace Shoal.Engine;

/// <summary>Why an exchange with a tracker came to nothing. What a tracker itself refuses is an answer, not a failure.</summary>
internal enum TrackerFailure
{
    None,

    /// <summary>The host has no address of the family asked for. Usual: nothing to tell the user.</summary>
    NoAddress,

    /// <summary>No such host, no route, refused, reset, certificate not valid.</summary>
    Unreachable,
    Timeout,

    /// <summary>Our own rules forbid it, and will again: see <c>TrackerAccess</c>.</summary>
    Forbidden,

    /// <summary>Something answered, but not as a tracker does.</summary>
    BadAnswer,
}
