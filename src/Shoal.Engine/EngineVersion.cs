using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>How this program names itself to others.</summary>
public static class EngineVersion
{
    /// <summary>For example "0.1.0".</summary>
    public static string Number { get; } = typeof(EngineVersion).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    /// <summary>For the extension handshake and HTTP user agents, for example "Shoal/0.1.0".</summary>
    public static string ClientName { get; } = $"Shoal/{Number}";

    /// <summary>
    /// BEP 20: "'-', two characters for client id, four ascii digits for version number, '-', followed by random
    /// numbers."
    /// </summary>
    internal static PeerId CreatePeerId(Random random)
    {
        var version = typeof(EngineVersion).Assembly.GetName().Version ?? new Version(0, 0, 0);
        var prefix = $"-SH{version.Major % 10}{version.Minor % 10}{version.Build % 10}0-";
        Span<byte> id = stackalloc byte[PeerId.Size];
        for (var i = 0; i < id.Length; i++)
        {
            id[i] = i < prefix.Length ? (byte)prefix[i] : (byte)('0' + random.Next(10));
        }

        return new PeerId(id);
    }
}
