using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Shoal.Hub;

namespace Shoal.HubBench;

/// <summary>A member that does nothing but announce: a connection, a handshake with its certificate, one request.</summary>
internal sealed class BenchMember(X509Certificate2 certificate, HubAddress hub)
{
    public async Task<bool> AnnounceAsync(string infoHash, int port)
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
                    ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true),
#pragma warning disable CA5359 // the hub is measured, not tested
                    RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
                }
            );
            var request = string.Create(
                CultureInfo.InvariantCulture,
                $"GET /announce?info_hash={infoHash}&peer_id=-SH0001-000000000000&port={port}&uploaded=0&downloaded=0&left=1"
                    + $"&compact=1 HTTP/1.1\r\nHost: {hub}\r\nConnection: close\r\n\r\n"
            );
            await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
            var answer = new byte[2048];
            var length = 0;
            int read;
            while ((read = await stream.ReadAsync(answer.AsMemory(length))) > 0 && length + read < answer.Length)
            {
                length += read;
            }

            var text = Encoding.Latin1.GetString(answer, 0, length);
            return text.StartsWith("HTTP/1.1 200", StringComparison.Ordinal)
                && text.Contains("8:interval", StringComparison.Ordinal);
        }
        catch (Exception exception) when (exception is IOException or SocketException or AuthenticationException)
        {
            return false;
        }
    }
}
