using System.Globalization;
using System.Text;

namespace Shoal.Protocol;

/// <summary>What a router answered to a request.</summary>
/// <param name="ErrorCode">Null: it was done.</param>
/// <param name="Values">Results by name.</param>
public sealed record UpnpAnswer(int? ErrorCode, IReadOnlyDictionary<string, string> Values);

/// <summary>Errors of WANIPConnection that ask for another try in another way.</summary>
public static class UpnpError
{
    public const int InvalidAction = 401;
    public const int InvalidArguments = 402;
    public const int ActionFailed = 501;
    public const int OptionalActionNotImplemented = 602;
    public const int ConflictInMappingEntry = 718;
    public const int SamePortValuesRequired = 724;
    public const int OnlyPermanentLeasesSupported = 725;
    public const int ConflictWithOtherMechanisms = 729;
}

/// <summary>Requests to a router and its answers (UPnP Device Architecture 1.1, 3.1).</summary>
public static class UpnpSoap
{
    /// <summary>Longest answer that is looked at; real ones have about 600 bytes.</summary>
    public const int MaxBytes = 32 * 1024;

    private const int MaxValues = 32;

    public const string ContentType = "text/xml";

    /// <param name="arguments">Names and values in the order of the service's definition; the values need no escaping.</param>
    public static byte[] Write(string serviceType, string action, IEnumerable<(string Name, string Value)> arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var body = new StringBuilder(
            "<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
                + "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>"
        );
        body.Append(CultureInfo.InvariantCulture, $"<u:{action} xmlns:u=\"{serviceType}\">");
        foreach (var (name, value) in arguments)
        {
            body.Append(CultureInfo.InvariantCulture, $"<{name}>{value}</{name}>");
        }

        body.Append(CultureInfo.InvariantCulture, $"</u:{action}></s:Body></s:Envelope>\r\n");
        return Encoding.UTF8.GetBytes(body.ToString());
    }

    /// <summary>False: it is no answer to the action, nor an error.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> document, string action, out UpnpAnswer answer)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        int? error = null;
        var isAnswer = false;
        var isXml = UpnpXml.TryRead(
            document,
            MaxBytes,
            (name, parent, text) =>
            {
                if (name == "errorCode" && parent == "UPnPError")
                {
                    error ??= int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var code)
                        ? code
                        : 0;
                }
                else if (parent == action + "Response")
                {
                    isAnswer = true;
                    if (values.Count < MaxValues)
                    {
                        values.TryAdd(name, text);
                    }
                }
                else if (name == action + "Response")
                {
                    isAnswer = true;
                }
            }
        );
        answer = new UpnpAnswer(error, values);
        return isXml && (isAnswer || error is not null);
    }
}
