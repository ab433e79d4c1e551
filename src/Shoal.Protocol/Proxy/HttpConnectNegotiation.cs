using System.Globalization;
using System.Text;

namespace Shoal.Protocol;

/// <summary>The CONNECT method of HTTP proxies (RFC 9110, 9.3.6).</summary>
public sealed class HttpConnectNegotiation : ProxyNegotiation
{
    /// <summary>Longest head of an answer, in bytes; a longer one is no proxy's.</summary>
    public const int MaxHead = 16 * 1024;

    // All that is looked at: the version and the status.
    private readonly byte[] _start = new byte[16];
    private int _length;
    private int _lineLength;
    private bool _isDone;

    /// <param name="target">Where to.</param>
    /// <param name="user">Null: no credentials.</param>
    /// <param name="password">Null is the same as empty.</param>
    public HttpConnectNegotiation(ProxyTarget target, string? user, string? password)
    {
        var request = new StringBuilder();
        request.Append(CultureInfo.InvariantCulture, $"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if (user is not null)
        {
            var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));
            request.Append(CultureInfo.InvariantCulture, $"Proxy-Authorization: Basic {credentials}\r\n");
        }

        request.Append("\r\n");
        ToSend = Encoding.ASCII.GetBytes(request.ToString());
    }

    public override ProxyStep Take(ReadOnlySpan<byte> input, out int used)
    {
        for (used = 0; used < input.Length && !_isDone; )
        {
            var next = input[used++];
            if (_length == MaxHead || (_length < 5 && next != "HTTP/"u8[_length]))
            {
                return Fail(ProxyFault.NotAProxy);
            }

            if (_length < _start.Length)
            {
                _start[_length] = next;
            }

            _length++;
            if (next == '\n')
            {
                // The head ends with an empty line.
                _isDone = _lineLength == 0;
                _lineLength = 0;
            }
            else if (next != '\r')
            {
                _lineLength++;
            }
        }

        // RFC 9110: "Any 2xx (Successful) response indicates that the sender ... will switch to tunnel mode immediately
        // after the response header section".
        return !_isDone ? ProxyStep.NeedMore
            : Status() is >= 200 and <= 299 ? ProxyStep.Connected
            : Fail(FaultOf(Status()));
    }

    private static ProxyFault FaultOf(int status) =>
        status switch
        {
            407 => ProxyFault.CredentialsNeeded,
            401 => ProxyFault.CredentialsRefused,
            403 or 405 => ProxyFault.NotAllowed,
            // Which of its failures are the target's, a proxy does not say more exactly.
            404 or 500 or 502 or 503 or 504 => ProxyFault.TargetUnreachable,
            >= 400 and <= 599 => ProxyFault.Failed,
            _ => ProxyFault.NotAProxy,
        };

    /// <summary>The three digits after the version; 0 when there are none.</summary>
    private int Status()
    {
        // RFC 9112: "HTTP-version SP status-code SP [ reason-phrase ]", and the version is "HTTP/" and two digits.
        var digits = _start.AsSpan(8, 4);
        return
            digits[0] == ' '
            && int.TryParse(digits[1..], NumberStyles.None, CultureInfo.InvariantCulture, out var status)
            ? status
            : 0;
    }
}
