using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Looks names up by the addresses and interfaces that we are bound to, which the system's own resolver cannot do: first
/// in its file of hosts, then at its servers, by UDP and where that is too short by TCP. Safe to use from any thread.
/// </summary>
/// <param name="local">What may be left by.</param>
/// <param name="servers">To ask instead of the system's; empty: the system's.</param>
/// <param name="system">Where the system keeps what it knows.</param>
/// <param name="time">The clock of waiting and of what is remembered.</param>
internal sealed class NameResolver(
    LocalBinding local,
    IReadOnlyList<IPEndPoint> servers,
    NameSystem system,
    TimeProvider time
)
{
    private const int Port = 53;

    /// <summary>Each server is asked so often.</summary>
    private const int Rounds = 2;

    /// <summary>Aliases that lead out of an answer.</summary>
    private const int MaxAliases = 4;

    /// <summary>Datagrams that are no answer, until we give up: somebody guesses.</summary>
    private const int MaxStrays = 32;

    /// <summary>Names remembered; more, and all are forgotten.</summary>
    private const int MaxRemembered = 1024;

    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ShortestLife = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestLife = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (IPAddress[] Addresses, TimeSpan Until)> _remembered = [];
    private readonly long _epoch = time.GetTimestamp();

    /// <exception cref="SocketException">Nobody knows the name, or nobody can be asked.</exception>
    public async ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
    {
        var name = ToAscii(host);
        if (Recall(name) is { } known)
        {
            return known;
        }

        if (NameFiles.FindHost(system.ReadHosts(), name) is { Count: > 0 } listed)
        {
            return [.. listed];
        }

        var (asked, suffixes) = FindServers();
        // RFC 6761: names of this machine are nobody else's business.
        if (NetworkReaches.OfName(name) == NetworkReach.Loopback)
        {
            throw new SocketException((int)SocketError.HostNotFound);
        }

        var names = name.Contains('.') ? [name] : suffixes.Select(suffix => $"{name}.{suffix}").Append(name);
        foreach (var candidate in names)
        {
            var (addresses, life) = await AskAllAsync(asked, candidate, cancellation).ConfigureAwait(false);
            if (addresses.Length > 0)
            {
                Remember(name, addresses, life);
                return addresses;
            }
        }

        throw new SocketException((int)SocketError.HostNotFound);
    }

    private static string ToAscii(string host)
    {
        try
        {
            return new IdnMapping().GetAscii(host.TrimEnd('.')).ToLowerInvariant();
        }
        catch (ArgumentException)
        {
            throw new SocketException((int)SocketError.HostNotFound);
        }
    }

    private (IReadOnlyList<IPEndPoint> Servers, IReadOnlyList<string> Suffixes) FindServers()
    {
        if (servers.Count > 0)
        {
            // The user's choice, also where it is this machine.
            return (servers, []);
        }

        var (all, suffixes) = NameFiles.ReadConfiguration(system.ReadConfiguration());
        var usable = Usable(all);
        if (usable.Count == 0)
        {
            // What is on this machine asks others by whatever way it likes. systemd tells whom it asks.
            usable = Usable(NameFiles.ReadConfiguration(system.ReadUpstream()).Servers);
        }

        return usable.Count > 0 ? (usable, suffixes) : throw new NoServerToAskException(all);
    }

    private List<IPEndPoint> Usable(IEnumerable<IPAddress> all) =>
        [
            .. all.Where(server =>
                    !IPAddress.IsLoopback(server) || local.Places.Any(place => IPAddress.IsLoopback(place.Address))
                )
                .Select(server => new IPEndPoint(server, Port)),
        ];

    private async Task<(IPAddress[] Addresses, TimeSpan Life)> AskAllAsync(
        IReadOnlyList<IPEndPoint> asked,
        string name,
        CancellationToken cancellation
    )
    {
        var types = new List<DnsType>();
        if (local.Places.Any(place => place.Address.AddressFamily == AddressFamily.InterNetwork))
        {
            types.Add(DnsType.A);
        }

        if (local.Places.Any(place => place.Address.AddressFamily == AddressFamily.InterNetworkV6))
        {
            types.Add(DnsType.Aaaa);
        }

        var answers = await Task.WhenAll(types.Select(type => AskAsync(asked, name, type, cancellation)))
            .ConfigureAwait(false);
        return (
            [.. answers.SelectMany(answer => answer.Addresses)],
            answers.Where(answer => answer.Addresses.Count > 0).Select(answer => answer.Lifetime).DefaultIfEmpty().Min()
        );
    }

    /// <summary>Follows aliases until there are addresses; without any when there are none.</summary>
    private async Task<DnsAnswer> AskAsync(
        IReadOnlyList<IPEndPoint> asked,
        string name,
        DnsType type,
        CancellationToken cancellation
    )
    {
        var life = TimeSpan.MaxValue;
        for (var hops = 0; ; hops++)
        {
            var answer = await AskServersAsync(asked, name, type, cancellation).ConfigureAwait(false);
            life = answer.Lifetime < life ? answer.Lifetime : life;
            if (answer.Alias is not { } alias || hops == MaxAliases)
            {
                return answer with { Lifetime = life };
            }

            name = alias;
        }
    }

    private async Task<DnsAnswer> AskServersAsync(
        IReadOnlyList<IPEndPoint> asked,
        string name,
        DnsType type,
        CancellationToken cancellation
    )
    {
        DnsAnswer? last = null;
        for (var round = 0; round < Rounds && last?.Status is null or DnsStatus.Failed; round++)
        {
            foreach (var server in asked)
            {
                last = await AskAsync(server, name, type, cancellation).ConfigureAwait(false) ?? last;
                if (last is { Status: not DnsStatus.Failed })
                {
                    return last;
                }
            }
        }

        return last ?? throw new SocketException((int)SocketError.TryAgain);
    }

    /// <summary>Asks one server once; null: no answer in time.</summary>
    private async Task<DnsAnswer?> AskAsync(
        IPEndPoint server,
        string name,
        DnsType type,
        CancellationToken cancellation
    )
    {
        using var timeout = new CancellationTokenSource(AnswerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        // With the port, which the system chooses anew for each question, 32 bits that a stranger would have to guess.
        var id = (ushort)RandomNumberGenerator.GetInt32(65536);
        var query = new byte[DnsMessage.MaxQuery];
        var length = DnsMessage.WriteQuery(id, name, type, query);
        if (length == 0)
        {
            return new DnsAnswer(DnsStatus.UnknownName, [], TimeSpan.Zero);
        }

        var question = query.AsMemory(0, length);
        bool Read(ReadOnlySpan<byte> bytes, out DnsAnswer answer) =>
            DnsMessage.TryReadAnswer(bytes, id, name, type, out answer);
        try
        {
            var answer = await AskByUdpAsync(server, question, Read, either.Token).ConfigureAwait(false);
            return answer is { Status: DnsStatus.Truncated }
                ? await AskByTcpAsync(server, question, Read, either.Token).ConfigureAwait(false)
                : answer;
        }
        catch (SocketException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    private delegate bool AnswerReader(ReadOnlySpan<byte> bytes, out DnsAnswer answer);

    private async Task<DnsAnswer?> AskByUdpAsync(
        IPEndPoint server,
        ReadOnlyMemory<byte> question,
        AnswerReader read,
        CancellationToken cancellation
    )
    {
        using var socket = Open(server, SocketType.Dgram);
        // What others send does not come in then.
        await socket.ConnectAsync(server, cancellation).ConfigureAwait(false);
        await socket.SendAsync(question, SocketFlags.None, cancellation).ConfigureAwait(false);
        var buffer = new byte[4096];
        for (var strays = 0; strays < MaxStrays; strays++)
        {
            var length = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellation).ConfigureAwait(false);
            if (read(buffer.AsSpan(0, length), out var answer))
            {
                return answer;
            }
        }

        return null;
    }

    private async Task<DnsAnswer?> AskByTcpAsync(
        IPEndPoint server,
        ReadOnlyMemory<byte> question,
        AnswerReader read,
        CancellationToken cancellation
    )
    {
        using var socket = Open(server, SocketType.Stream);
        await socket.ConnectAsync(server, cancellation).ConfigureAwait(false);
        // RFC 1035: "The message is prefixed with a two byte length field".
        var framed = new byte[2 + question.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)question.Length);
        question.CopyTo(framed.AsMemory(2));
        await using var stream = new NetworkStream(socket, ownsSocket: false);
        try
        {
            await stream.WriteAsync(framed, cancellation).ConfigureAwait(false);
            await stream.ReadExactlyAsync(framed.AsMemory(0, 2), cancellation).ConfigureAwait(false);
            var answer = new byte[BinaryPrimitives.ReadUInt16BigEndian(framed)];
            await stream.ReadExactlyAsync(answer, cancellation).ConfigureAwait(false);
            return read(answer, out var found) ? found : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private Socket Open(IPEndPoint server, SocketType type) =>
        IPAddress.IsLoopback(server.Address)
            ? LocalBinding.Open(new LocalPlace(LoopbackOf(server.AddressFamily), null), type, 0)
            : local.Open(server.AddressFamily, type);

    private static IPAddress LoopbackOf(AddressFamily family) =>
        family == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback;

    private IPAddress[]? Recall(string name)
    {
        lock (_lock)
        {
            return _remembered.TryGetValue(name, out var known) && time.GetElapsedTime(_epoch) < known.Until
                ? known.Addresses
                : null;
        }
    }

    private void Remember(string name, IPAddress[] addresses, TimeSpan life)
    {
        life = life < ShortestLife ? ShortestLife : life;
        life = life > LongestLife ? LongestLife : life;
        lock (_lock)
        {
            if (_remembered.Count >= MaxRemembered)
            {
                _remembered.Clear();
            }

            _remembered[name] = (addresses, time.GetElapsedTime(_epoch) + life);
        }
    }
}

/// <summary>Where a system keeps what it knows of names; a file that cannot be read says nothing.</summary>
internal class NameSystem
{
    /// <summary>Longer files are not read.</summary>
    private const int MaxFile = 1024 * 1024;

    public virtual string ReadHosts() => Read("/etc/hosts");

    public virtual string ReadConfiguration() => Read("/etc/resolv.conf");

    /// <summary>Whom the resolver on this machine asks, where that is systemd's.</summary>
    public virtual string ReadUpstream() => Read("/run/systemd/resolve/resolv.conf");

    private static string Read(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            using var reader = new StreamReader(file);
            return file.Length <= MaxFile ? reader.ReadToEnd() : "";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}

/// <summary>Names cannot be looked up by what we are bound to.</summary>
internal sealed class NoServerToAskException(IReadOnlyList<IPAddress> local)
    : SocketException((int)SocketError.HostNotFound)
{
    public override string Message =>
        local.Count == 0
            ? "the system names no name server, so give one with --dns"
            : $"the system's name server {local[0]} is on this machine and would ask others by another way than --bind "
                + "allows; give a name server with --dns (the same, if that does not matter)";
}
