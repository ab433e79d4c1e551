using System.Text;

namespace Shoal.Protocol;

/// <summary>Who answered our search: what it says it is, and where it describes itself.</summary>
public sealed record SsdpAnswer(string Target, string Location);

/// <summary>The search for routers by UPnP (SSDP, UPnP Device Architecture 1.1, 1.3).</summary>
public static class Ssdp
{
    public const string Group = "239.255.255.250";
    public const int Port = 1900;

    /// <summary>What we search for: a router, and what it forwards ports with. Some answer to the one, some to the other.</summary>
    public static IReadOnlyList<string> Targets { get; } =
    [
        "urn:schemas-upnp-org:device:InternetGatewayDevice:2",
        "urn:schemas-upnp-org:device:InternetGatewayDevice:1",
        "urn:schemas-upnp-org:service:WANIPConnection:1",
        "urn:schemas-upnp-org:service:WANPPPConnection:1",
    ];

    /// <summary>Longest answer that is looked at; real ones have about 400 bytes.</summary>
    public const int MaxMessage = 2048;

    private const int MaxLocation = 512;

    public static byte[] WriteSearch(string target) =>
        Encoding.ASCII.GetBytes(
            $"M-SEARCH * HTTP/1.1\r\nHOST: {Group}:{Port}\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: {target}\r\n\r\n"
        );

    /// <summary>False: it is no answer to a search, or says no place.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, out SsdpAnswer answer)
    {
        answer = new SsdpAnswer("", "");
        if (message.Length > MaxMessage || !message.StartsWith("HTTP/1."u8))
        {
            return false;
        }

        string? target = null;
        string? location = null;
        var isFirst = true;
        foreach (var range in message.Split((byte)'\n'))
        {
            var line = message[range].TrimEnd((byte)'\r');
            if (isFirst)
            {
                if (line.Length < 12 || !line[8..12].SequenceEqual(" 200"u8))
                {
                    return false;
                }

                isFirst = false;
                continue;
            }

            var colon = line.IndexOf((byte)':');
            if (colon <= 0)
            {
                continue;
            }

            var name = line[..colon].Trim(" \t"u8);
            var value = line[(colon + 1)..].Trim(" \t"u8);
            if (Ascii.EqualsIgnoreCase(name, "location"u8) && value.Length <= MaxLocation && Ascii.IsValid(value))
            {
                location ??= Encoding.ASCII.GetString(value);
            }
            else if (Ascii.EqualsIgnoreCase(name, "st"u8) && Ascii.IsValid(value))
            {
                target ??= Encoding.ASCII.GetString(value);
            }
        }

        if (string.IsNullOrEmpty(location) || target is null)
        {
            return false;
        }

        answer = new SsdpAnswer(target, location);
        return true;
    }
}
