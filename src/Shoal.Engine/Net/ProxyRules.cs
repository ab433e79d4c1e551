namespace Shoal.Engine;

/// <summary>What a proxy cannot carry is off: else it would go around it, and tell who we are.</summary>
internal static class ProxyRules
{
    /// <summary>The options without what is off with their proxy; the same without a proxy.</summary>
    public static EngineOptions Apply(EngineOptions options) =>
        options.Proxy is not { } proxy
            ? options
            // BEP 43: "read-only" nodes are those "that cannot be queried", and so are we behind it.
            : options with
            {
                UseDht = options.UseDht && HasDatagrams(proxy),
                DhtReadOnly = true,
                Transports = HasDatagrams(proxy) ? options.Transports : options.Transports & ~PeerTransports.Utp,
            };

    /// <summary>Told once at the start.</summary>
    public static string Explain(ProxyOptions proxy) =>
        HasDatagrams(proxy)
            ? $"everything goes through the proxy {proxy}: nobody can connect to us, and the local network and the "
                + "router are not asked"
            : $"everything goes through the proxy {proxy}, which carries no UDP: no DHT, no UDP trackers, no uTP; nobody "
                + "can connect to us, and the local network and the router are not asked";

    public static bool HasDatagrams(ProxyOptions proxy) => proxy.Kind == ProxyKind.Socks5;
}
