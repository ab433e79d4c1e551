using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.HubBench;

/// <summary>
/// A member that does nothing but announce and give receipts. For each a connection and a handshake with its certificate, as real
/// members do it.
/// </summary>
/// <param name="identity">Its key.</param>
/// <param name="certificate">In DER.</param>
/// <param name="id">Its name.</param>
/// <param name="hub">Where it asks.</param>
/// <param name="port">Where it says that it is reached.</param>
internal sealed class BenchMember(MemberIdentity identity, byte[] certificate, MemberId id, HubAddress hub, int port)
{
    private readonly X509Certificate2 _shown = identity.WithCertificate(certificate);

    public MemberId Id { get; } = id;

    public async Task<bool> AnnounceAsync(string infoHash)
    {
        var answer = await AskAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $"GET /announce?info_hash={infoHash}&peer_id=-SH0001-000000000000&port={port}&uploaded=0&downloaded=0&left=1"
                    + $"&compact=1 HTTP/1.1\r\nHost: {hub}\r\nConnection: close\r\n\r\n"
            ),
            []
        );
        return answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal)
            && answer.Contains("8:interval", StringComparison.Ordinal);
    }

    /// <summary>Says that it has all of it, and from whom.</summary>
    public async Task<bool> GiveReceiptAsync(
        ReceiptContent content,
        IReadOnlyList<ReceivedShare> senders,
        ReceiptRetention agreed
    )
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        var fields = new ReceiptFields
        {
            Content = content,
            // As a real one: it counts up, also over restarts.
            Number = now.ToUnixTimeSeconds(),
            Since = now,
            Until = now,
            IsComplete = true,
            Senders = senders,
        };
        var request = new ReceiptRequest(
            TransferReceipt.Sign(fields, identity, certificate),
            RetentionNames.Of(agreed)
        );
        var body = JsonSerializer.SerializeToUtf8Bytes(request, JsonSerializerOptions.Web);
        var answer = await AskAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $"POST /v1/receipts HTTP/1.1\r\nHost: {hub}\r\nContent-Type: application/json\r\n"
                    + $"Content-Length: {body.Length}\r\nConnection: close\r\n\r\n"
            ),
            body
        );
        return answer.StartsWith("HTTP/1.1 204", StringComparison.Ordinal);
    }

    /// <returns>The beginning of the answer; empty: there was none.</returns>
    private async Task<string> AskAsync(string head, byte[] body)
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.NoDelay = true;
            // Members are many machines: each has an address of its own, as far as loopback goes.
            socket.Bind(new IPEndPoint(new IPAddress([127, 1, (byte)(port >> 8), (byte)port]), 0));
            await socket.ConnectAsync(IPAddress.Parse(hub.Host), hub.Port);
            await using var stream = new SslStream(new NetworkStream(socket));
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = hub.Host,
                    EnabledSslProtocols = SslProtocols.Tls13,
                    ClientCertificateContext = SslStreamCertificateContext.Create(_shown, null, offline: true),
#pragma warning disable CA5359 // the hub is measured, not tested
                    RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
                }
            );
            await stream.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(head), .. body]);
            var answer = new byte[4096];
            var length = 0;
            int read;
            while (length < answer.Length && (read = await stream.ReadAsync(answer.AsMemory(length))) > 0)
            {
                length += read;
            }

            return Encoding.Latin1.GetString(answer, 0, length);
        }
        catch (Exception exception) when (exception is IOException or SocketException or AuthenticationException)
        {
            return "";
        }
    }
}
