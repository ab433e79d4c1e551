namespace Shoal.Protocol;

/// <summary>A service of a router: its type, and where to send requests, absolute or relative to the description.</summary>
public sealed record UpnpService(string Type, string ControlUrl)
{
    /// <summary>IGD2's, which may choose the port itself.</summary>
    public bool CanChoosePort => Type == "urn:schemas-upnp-org:service:WANIPConnection:2";
}

/// <summary>What a router says about itself, as far as it is about forwarding ports (UPnP IGD 1 and 2).</summary>
/// <param name="Services">Those that forward ports, the best first.</param>
/// <param name="BaseUrl">What control URLs are relative to; null: the description's own.</param>
public sealed record UpnpDescription(IReadOnlyList<UpnpService> Services, string? BaseUrl)
{
    /// <summary>Longest description that is looked at; real ones have 5 to 20 kB.</summary>
    public const int MaxBytes = 128 * 1024;

    private const int MaxServices = 8;

    // The best first.
    private static readonly string[] s_types =
    [
        "urn:schemas-upnp-org:service:WANIPConnection:2",
        "urn:schemas-upnp-org:service:WANIPConnection:1",
        "urn:schemas-upnp-org:service:WANPPPConnection:1",
    ];

    /// <summary>False: it is no description of a router that forwards ports.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> document, out UpnpDescription description)
    {
        var services = new List<UpnpService>();
        string? baseUrl = null;
        string? type = null;
        string? control = null;
        var isXml = UpnpXml.TryRead(
            document,
            MaxBytes,
            (name, parent, text) =>
            {
                if (name == "URLBase" && text.Length > 0)
                {
                    baseUrl ??= text;
                }
                else if (parent == "service")
                {
                    type = name == "serviceType" ? text : type;
                    control = name == "controlURL" ? text : control;
                    if (type is not null && control is not null)
                    {
                        if (Array.IndexOf(s_types, type) >= 0 && control.Length > 0 && services.Count < MaxServices)
                        {
                            services.Add(new UpnpService(type, control));
                        }

                        (type, control) = (null, null);
                    }
                }
            }
        );
        description = new UpnpDescription(
            [.. services.OrderBy(service => Array.IndexOf(s_types, service.Type))],
            baseUrl
        );
        return isXml && services.Count > 0;
    }
}
