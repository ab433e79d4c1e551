namespace Shoal.Protocol;

/// <summary>Why a proxy did not do what was asked of it.</summary>
public enum ProxyFault
{
    None,

    /// <summary>What answers is no proxy of this kind, or breaks its protocol.</summary>
    NotAProxy,

    /// <summary>It wants a way to prove who we are that we do not have, or credentials that we were not given.</summary>
    CredentialsNeeded,

    /// <summary>It does not take our credentials.</summary>
    CredentialsRefused,

    /// <summary>Its rules forbid this target.</summary>
    NotAllowed,

    /// <summary>It does not have this command, for example UDP.</summary>
    NotSupported,

    /// <summary>It cannot connect to addresses of this kind.</summary>
    AddressNotSupported,

    /// <summary>The target cannot be reached from there.</summary>
    TargetUnreachable,

    /// <summary>The target refuses.</summary>
    TargetRefused,

    /// <summary>It says that it failed, and no more.</summary>
    Failed,
}

/// <summary>What <see cref="ProxyFault"/>s mean.</summary>
public static class ProxyFaults
{
    /// <summary>Whether the proxy itself is to blame, so that nothing at all will work, and not the one target.</summary>
    public static bool IsOfProxy(this ProxyFault fault) =>
        fault
            is ProxyFault.NotAProxy
                or ProxyFault.CredentialsNeeded
                or ProxyFault.CredentialsRefused
                or ProxyFault.NotAllowed
                or ProxyFault.NotSupported;

    /// <summary>The end of a sentence that begins with the proxy's name.</summary>
    public static string Describe(this ProxyFault fault) =>
        fault switch
        {
            ProxyFault.NotAProxy => "does not answer as a proxy of this kind",
            ProxyFault.CredentialsNeeded => "wants a user name and a password",
            ProxyFault.CredentialsRefused => "does not accept the user name and password",
            ProxyFault.NotAllowed => "does not allow this connection by its rules",
            ProxyFault.NotSupported => "does not have this command",
            ProxyFault.AddressNotSupported => "cannot connect to addresses of this kind",
            ProxyFault.TargetUnreachable => "cannot reach the target",
            ProxyFault.TargetRefused => "was refused by the target",
            _ => "failed",
        };
}
