using System.Globalization;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>Where a hub is.</summary>
/// <param name="Host">A name, or an address without brackets.</param>
/// <param name="Port">TCP.</param>
public readonly record struct HubAddress(string Host, int Port)
{
    /// <summary>Reads HOST, HOST:PORT, [ADDRESS]:PORT, or an https URL without a path.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out HubAddress address)
    {
        text = text.StartsWith("https://", StringComparison.OrdinalIgnoreCase) ? text[8..] : text;
        var isRead = InvitationLink.TryReadAuthority(text.TrimEnd('/'), out var host, out var port);
        address = new HubAddress(host, port);
        return isRead;
    }

    /// <summary>As it stands in a URL.</summary>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}"
        );
}
