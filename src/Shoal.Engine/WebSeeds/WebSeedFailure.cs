namespace Shoal.Engine;

/// <summary>Why a web seed, or one of its files, cannot be used.</summary>
internal enum WebSeedFault
{
    None,

    /// <summary>It could not be connected to.</summary>
    Unreachable,

    /// <summary>Connecting took too long.</summary>
    ConnectTimeout,

    /// <summary>The connection broke, or the body was shorter than announced.</summary>
    Broken,

    /// <summary>Nothing arrived for too long.</summary>
    Stalled,

    /// <summary>The server is overloaded or broken for now, and may have said for how long.</summary>
    Busy,

    /// <summary>The file is not there, or is another one; others may be.</summary>
    FileMissing,

    /// <summary>An answer that helps nobody: a packed body, another range, a login page.</summary>
    BadAnswer,

    /// <summary>The server sends whole files only: they are to be fetched from their beginnings.</summary>
    NoRanges,

    /// <summary>We must not go where it leads; never again.</summary>
    Forbidden,
}

/// <summary>A failure for users and for the rule of pauses.</summary>
/// <param name="Fault">What kind.</param>
/// <param name="Message">For people; without credentials.</param>
/// <param name="RetryAfter">How long the server wants to be left alone; null: it did not say.</param>
internal sealed record WebSeedFailure(WebSeedFault Fault, string Message, TimeSpan? RetryAfter = null)
{
    /// <summary>As the reason why a link ended.</summary>
    public DisconnectReason Reason =>
        Fault switch
        {
            WebSeedFault.Unreachable => DisconnectReason.ConnectFailed,
            WebSeedFault.ConnectTimeout => DisconnectReason.ConnectTimeout,
            WebSeedFault.Broken => DisconnectReason.ConnectionLost,
            WebSeedFault.Stalled => DisconnectReason.IdleTimeout,
            WebSeedFault.Busy => DisconnectReason.ServerBusy,
            WebSeedFault.NoRanges => DisconnectReason.Replaced,
            _ => DisconnectReason.ServerRefused,
        };
}
