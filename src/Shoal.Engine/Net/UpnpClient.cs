using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Talks UPnP with one router: finds it by multicast, reads its description, sends it requests. Nobody but the router
/// itself is listened to, and nothing is asked of anybody else: not of another host that a description names, not after a
/// redirect.
/// </summary>
internal sealed class UpnpClient : IDisposable
{
    private static readonly TimeSpan SearchTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SearchAgain = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RequestTime = TimeSpan.FromSeconds(5);

    /// <summary>Descriptions fetched in one search; a router has one, or one for each version.</summary>
    private const int MaxDescriptions = 4;

    private readonly Gateway _gateway;
    private readonly LocalBinding _binding;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private Uri? _base;

    public UpnpClient(Gateway gateway, LocalBinding binding, TimeProvider time)
    {
        _gateway = gateway;
        _binding = binding;
        _time = time;
        _http = new HttpClient(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseProxy = false,
                UseCookies = false,
                MaxConnectionsPerServer = 1,
                // In KB.
                MaxResponseHeadersLength = 16,
                ConnectCallback = ConnectAsync,
            }
        );
    }

    /// <summary>Looks for the services of the router that forward ports; empty when it has none or does not answer.</summary>
    public async Task<IReadOnlyList<UpnpService>> FindAsync(CancellationToken cancellation)
    {
        foreach (var location in await SearchAsync(cancellation).ConfigureAwait(false))
        {
            var document = await AskAsync(
                    new HttpRequestMessage(HttpMethod.Get, location),
                    UpnpDescription.MaxBytes,
                    cancellation
                )
                .ConfigureAwait(false);
            if (document is null || !UpnpDescription.TryRead(document, out var description))
            {
                continue;
            }

            var hasBase = Uri.TryCreate(description.BaseUrl, UriKind.Absolute, out var named) && IsRouters(named);
            _base = hasBase ? named : location;
            var services = description.Services.Where(service => ControlOf(service) is not null).ToList();
            if (services.Count > 0)
            {
                return services;
            }
        }

        return [];
    }

    /// <summary>Null: no answer, or none that makes sense.</summary>
    public async Task<UpnpAnswer?> CallAsync(UpnpCall call, CancellationToken cancellation)
    {
        var content = new ByteArrayContent(call.Body);
        content.Headers.ContentType = new MediaTypeHeaderValue(UpnpSoap.ContentType, "utf-8");
        var request = new HttpRequestMessage(HttpMethod.Post, ControlOf(call.Service)) { Content = content };
        request.Headers.TryAddWithoutValidation("SOAPAction", $"\"{call.Service.Type}#{call.Action}\"");
        var document = await AskAsync(request, UpnpSoap.MaxBytes, cancellation).ConfigureAwait(false);
        return document is not null && UpnpSoap.TryRead(document, call.Action, out var answer) ? answer : null;
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Whether a URL leads to the router itself, by its address and not by a name that may change.</summary>
    public static bool LeadsTo(Uri url, IPAddress router) =>
        url.Scheme == Uri.UriSchemeHttp
        && url.HostNameType == UriHostNameType.IPv4
        && IPAddress.TryParse(url.Host, out var host)
        && host.Equals(router)
        && url.UserInfo.Length == 0;

    private bool IsRouters(Uri url) => LeadsTo(url, _gateway.Address);

    private Uri? ControlOf(UpnpService service) =>
        _base is not null && Uri.TryCreate(_base, service.ControlUrl, out var url) && IsRouters(url) ? url : null;

    private async Task<List<Uri>> SearchAsync(CancellationToken cancellation)
    {
        var found = new List<Uri>();
        var buffer = new byte[Ssdp.MaxMessage];
        using var deadline = new CancellationTokenSource(SearchTime, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            using var socket = _binding.Open(AddressFamily.InterNetwork, SocketType.Dgram, _gateway.Local);
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastTimeToLive, 2);
            var sending = SendSearchesAsync(socket, either.Token);
            try
            {
                while (found.Count < MaxDescriptions)
                {
                    var received = await socket
                        .ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), either.Token)
                        .ConfigureAwait(false);
                    // Others in the network may answer as well; only the router says where the router is.
                    if (
                        ((IPEndPoint)received.RemoteEndPoint).Address.Equals(_gateway.Address)
                        && Ssdp.TryRead(buffer.AsSpan(0, received.ReceivedBytes), out var answer)
                        && Uri.TryCreate(answer.Location, UriKind.Absolute, out var location)
                        && IsRouters(location)
                        && !found.Contains(location)
                    )
                    {
                        found.Add(location);
                        // What else it has to say comes at once.
                        deadline.CancelAfter(SearchAgain);
                    }
                }
            }
            finally
            {
                await either.CancelAsync().ConfigureAwait(false);
                await sending.ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Long enough.
        }
        catch (SocketException)
        {
            // No multicast here.
        }

        return found;
    }

    private async Task SendSearchesAsync(Socket socket, CancellationToken cancellation)
    {
        var group = new IPEndPoint(IPAddress.Parse(Ssdp.Group), Ssdp.Port);
        try
        {
            while (true)
            {
                foreach (var target in Ssdp.Targets)
                {
                    await socket
                        .SendToAsync(Ssdp.WriteSearch(target), SocketFlags.None, group, cancellation)
                        .ConfigureAwait(false);
                }

                await Task.Delay(SearchAgain, _time, cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // Enough, or no multicast here: then no answer comes either.
        }
    }

    private async Task<byte[]?> AskAsync(HttpRequestMessage request, int maxBytes, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(RequestTime, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            using (request)
            {
                using var response = await _http
                    .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token)
                    .ConfigureAwait(false);
                // Errors of UPnP come as 500 with a body.
                if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.InternalServerError))
                {
                    return null;
                }

                var body = await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
                await using (body.ConfigureAwait(false))
                {
                    return await ReadAsync(body, maxBytes, either.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return null;
        }
    }

    private static async Task<byte[]?> ReadAsync(Stream body, int maxBytes, CancellationToken cancellation)
    {
        var document = new MemoryStream();
        var buffer = new byte[4096];
        while (true)
        {
            var count = await body.ReadAsync(buffer, cancellation).ConfigureAwait(false);
            if (count == 0)
            {
                return document.ToArray();
            }

            if (document.Length + count > maxBytes)
            {
                return null;
            }

            document.Write(buffer, 0, count);
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = _binding.Open(AddressFamily.InterNetwork, SocketType.Stream, _gateway.Local);
        try
        {
            socket.NoDelay = true;
            await socket
                .ConnectAsync(new IPEndPoint(_gateway.Address, context.DnsEndPoint.Port), cancellation)
                .ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
