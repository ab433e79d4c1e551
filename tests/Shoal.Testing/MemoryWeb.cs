using System.Globalization;
using System.Text;
using Shoal.Engine;

namespace Shoal.Testing;

/// <summary>A request as a server of <see cref="MemoryWeb"/> sees it.</summary>
/// <param name="Host">The one connected to.</param>
/// <param name="Connection">Counts connections from 1.</param>
/// <param name="Target">Path and query.</param>
/// <param name="Headers">By lower-case name.</param>
internal sealed record WebRequest(
    string Host,
    int Connection,
    string Target,
    IReadOnlyDictionary<string, string> Headers
)
{
    /// <summary>The first and last byte asked for.</summary>
    public (long From, long Last)? Range =>
        Headers.TryGetValue("range", out var range) && range.Split('=', '-') is [_, var from, var last]
            ? (long.Parse(from, CultureInfo.InvariantCulture), long.Parse(last, CultureInfo.InvariantCulture))
            : null;
}

/// <summary>What a server answers: any bytes.</summary>
/// <param name="Bytes">Head and body, as on the wire.</param>
/// <param name="Then">What it does afterwards.</param>
internal sealed record WebReply(byte[] Bytes, AfterReply Then = AfterReply.Wait)
{
    public static WebReply Of(string status, byte[] body, params string[] headers)
    {
        var head = $"HTTP/1.1 {status}\r\n{string.Concat(headers.Select(header => header + "\r\n"))}";
        if (!headers.Any(header => header.StartsWith("Content-Length", StringComparison.OrdinalIgnoreCase)))
        {
            head += string.Create(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n");
        }

        return new WebReply([.. Encoding.Latin1.GetBytes(head + "\r\n"), .. body]);
    }

    /// <summary>As a good server answers to a request for a part of a file, or for all of it.</summary>
    public static WebReply File(WebRequest request, byte[] content)
    {
        if (request.Range is not var (from, last))
        {
            return Of("200 OK", content);
        }

        var part = content[(int)from..((int)last + 1)];
        var range = string.Create(CultureInfo.InvariantCulture, $"Content-Range: bytes {from}-{last}/{content.Length}");
        return Of("206 Partial Content", part, range);
    }
}

internal enum AfterReply
{
    /// <summary>Waits for the next request.</summary>
    Wait,

    /// <summary>Ends the connection in good order.</summary>
    Close,

    /// <summary>Sends nothing more, and does not end either.</summary>
    Hang,
}

/// <summary>
/// Web servers without a network: names lead to servers at stated distances, and what they answer is up to the test.
/// </summary>
internal sealed class MemoryWeb
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (NetworkReach Reach, Func<WebRequest, WebReply> Answer)> _hosts = [];
    private readonly List<WebRequest> _requests = [];
    private readonly List<string> _refused = [];
    private readonly HashSet<string> _silent = [];
    private int _connections;

    public List<WebRequest> Requests
    {
        get
        {
            lock (_lock)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>Hosts that were not connected to, since they must not be.</summary>
    public List<string> Refused
    {
        get
        {
            lock (_lock)
            {
                return [.. _refused];
            }
        }
    }

    public void Add(string host, Func<WebRequest, WebReply> answer, NetworkReach reach = NetworkReach.Global) =>
        _hosts[host] = (reach, answer);

    /// <summary>Nobody answers there.</summary>
    public void AddSilent(string host) => _silent.Add(host);

    /// <summary>As the way out does: the address that is really connected to is judged.</summary>
    public async ValueTask<WebConnection> ConnectAsync(HostTarget target, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_silent.Contains(target.Host))
        {
            await Task.Delay(Timeout.Infinite, cancellation);
        }

        if (!_hosts.TryGetValue(target.Host, out var host))
        {
            return new WebConnection(null, NetworkReach.None, HostFailure.UnknownHost, $"{target.Host}: unknown");
        }

        if (target.WhyNot(host.Reach) is { } why)
        {
            lock (_lock)
            {
                _refused.Add(target.Host);
            }

            return new WebConnection(null, host.Reach, HostFailure.Forbidden, why);
        }

        var (ours, theirs) = MemoryTransport.CreatePair();
        var number = Interlocked.Increment(ref _connections);
        // Ends when the client hangs up.
        _ = ServeAsync(target.Host, number, theirs, host.Answer);
        return new WebConnection(new TransportStream(ours), host.Reach, HostFailure.None, "");
    }

    private async Task ServeAsync(
        string host,
        int connection,
        MemoryTransport transport,
        Func<WebRequest, WebReply> answer
    )
    {
        try
        {
            while (await ReadHeadAsync(transport) is { } head)
            {
                var lines = head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
                var headers = lines[1..]
                    .Select(line => line.Split(": ", 2))
                    .ToDictionary(pair => pair[0].ToLowerInvariant(), pair => pair[1]);
                var request = new WebRequest(host, connection, lines[0].Split(' ')[1], headers);
                lock (_lock)
                {
                    _requests.Add(request);
                }

                var reply = answer(request);
                await transport.SendAsync(reply.Bytes);
                if (reply.Then == AfterReply.Close)
                {
                    transport.Close();
                    return;
                }

                if (reply.Then == AfterReply.Hang)
                {
                    return;
                }
            }
        }
        catch (IOException)
        {
            // The client hung up.
        }
    }

    private static async Task<string?> ReadHeadAsync(MemoryTransport transport)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (head.Length < 4 || head.ToString(head.Length - 4, 4) != "\r\n\r\n")
        {
            if (await transport.ReceiveAsync(one) == 0)
            {
                return null;
            }

            head.Append((char)one[0]);
        }

        return head.ToString();
    }

    private sealed class TransportStream(MemoryTransport transport) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default
        )
        {
            // With an empty buffer it waits for something, as a socket does.
            return await transport.ReceiveAsync(buffer);
        }

        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer,
            CancellationToken cancellationToken = default
        ) => await transport.SendAsync(buffer);

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override void Flush() { }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            transport.Close();
            base.Dispose(disposing);
        }
    }
}
