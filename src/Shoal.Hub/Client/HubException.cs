namespace Shoal.Hub;

/// <summary>A hub could not be asked, or said no.</summary>
/// <param name="code">The hub's word, or <c>hub-unreachable</c>, <c>hub-not-trusted</c>, <c>bad-answer</c>.</param>
/// <param name="message">One line for a person.</param>
public sealed class HubException(string code, string message, Exception? inner = null) : Exception(message, inner)
{
    public string Code { get; } = code;

    /// <summary>The same may succeed later.</summary>
    public bool IsTemporary =>
        Code
            is "hub-unreachable"
                or "busy"
                or "too-many-requests"
                or "too-many-renewals"
                or "too-many-leaves"
                or "store-unavailable";
}

/// <summary>What is wrong with a membership on this machine.</summary>
/// <param name="code">Stable, kebab-case.</param>
/// <param name="message">One line for a person.</param>
public sealed class LocalMembershipException(string code, string message, Exception? inner = null)
    : Exception(message, inner)
{
    public string Code { get; } = code;
}
