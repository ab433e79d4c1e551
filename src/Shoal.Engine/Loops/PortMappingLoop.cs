using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>How ports are to be mapped.</summary>
internal sealed record PortMappingOptions
{
    /// <summary>By which addresses and interfaces we may leave.</summary>
    public required LocalBinding Binding { get; init; }

    public required IReadOnlyList<PortWish> Wishes { get; init; }
    public MappingLimits Limits { get; init; } = new();
    public required TimeProvider Time { get; init; }

    /// <summary>Told what is mapped, each time it is something else; one call at a time.</summary>
    public required Action<IReadOnlyList<PortMapping>> OnChange { get; init; }

    /// <summary>Told of exceptions in the loop, which are bugs.</summary>
    public required Action<Exception> OnFault { get; init; }
}

/// <summary>
/// Asks the routers of this machine for ports as long as it lives, and takes them back at the end. Failures are silent: a
/// network without such a router is the usual case. UPnP looks for the router at the same time as PCP and NAT-PMP ask it,
/// but maps only where those did not: two mappings of one port could get into each other's way.
/// </summary>
internal sealed class PortMappingLoop : IAsyncDisposable
{
    /// <summary>How long taking back may take at the end.</summary>
    private static readonly TimeSpan ClosingTime = TimeSpan.FromSeconds(2);

    /// <summary>By then a gateway that speaks PCP or NAT-PMP has answered.</summary>
    private static readonly TimeSpan Precedence = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    /// <summary>How often we look whether our gateways are still the same.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(30);

    private readonly PortMappingOptions _options;
    private readonly BackgroundTasks _tasks;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<(IPAddress Router, bool IsUpnp), IReadOnlyList<PortMapping>> _mappings = [];
    private readonly long _epoch;
    private IReadOnlyList<PortMapping> _published = [];

    /// <summary>The ends of one set of gateways: when to begin to take back, and when to leave it at that.</summary>
    private readonly record struct Ends(CancellationToken Stop, CancellationToken Deadline);

    public PortMappingLoop(PortMappingOptions options)
    {
        _options = options;
        _epoch = options.Time.GetTimestamp();
        _tasks = new BackgroundTasks(options.OnFault);
    }

    private TimeSpan Now => _options.Time.GetElapsedTime(_epoch);

    /// <summary>Begins, once. Never waits.</summary>
    public void Start() => _tasks.TryRun(RunAsync);

    /// <summary>Takes back what is mapped. Completes within about two seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _tasks.EndAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var gateways = FindGateways();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            using var deadline = new CancellationTokenSource();
            var ends = new Ends(stop.Token, deadline.Token);
            var work = gateways
                .Where(gateway => gateway.Address.AddressFamily == AddressFamily.InterNetwork)
                .Select(gateway => UseUpnpAsync(gateway, ends))
                .Concat(gateways.Select(gateway => UseGatewayAsync(gateway, ends)))
                .ToList();
            do
            {
                await WaitAsync(LookAgain, _stop.Token).ConfigureAwait(false);
            } while (!_stop.IsCancellationRequested && FindGateways().SequenceEqual(gateways));

            deadline.CancelAfter(ClosingTime);
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(work).ConfigureAwait(false);
        }
    }

    private List<Gateway> FindGateways() =>
        [
            .. Gateways
                .Find(_options.Binding)
                .GroupBy(gateway => gateway.Address.AddressFamily)
                .SelectMany(family => family.Take(_options.Limits.Routers)),
        ];

    /// <summary>PCP and NAT-PMP with one gateway, until we stop or another is our gateway.</summary>
    private async Task UseGatewayAsync(Gateway gateway, Ends ends)
    {
        var mapper = new GatewayMapper(
            gateway.Address,
            gateway.Local,
            _options.Wishes,
            _options.Limits,
            new DhtRandom(RandomNumberGenerator.GetBytes(DhtRandom.SeedSize))
        );
        try
        {
            using var socket = new GatewaySocket(gateway, _options.Binding);
            var output = new List<byte[]>();
            while (!ends.Stop.IsCancellationRequested)
            {
                mapper.Tick(Now, output);
                await ExchangeAsync(mapper, socket, output, ends.Stop).ConfigureAwait(false);
                Publish((gateway.Address, false), mapper.Mappings);
            }

            mapper.Close(Now, output);
            while (!mapper.IsClosed && !ends.Deadline.IsCancellationRequested)
            {
                await ExchangeAsync(mapper, socket, output, ends.Deadline).ConfigureAwait(false);
                mapper.Tick(Now, output);
            }
        }
        catch (SocketException)
        {
            // The address is gone; what was mapped for it is of no use.
        }

        Publish((gateway.Address, false), []);
    }

    /// <summary>Sends what there is and waits for a datagram, for the next thing to do, or for the end.</summary>
    private async Task ExchangeAsync(
        GatewayMapper mapper,
        GatewaySocket socket,
        List<byte[]> output,
        CancellationToken end
    )
    {
        output.ForEach(socket.Send);
        output.Clear();
        using var timer = new CancellationTokenSource(Until(mapper.NextDue), _options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, end);
        var datagram = await socket.ReceiveAsync(either.Token).ConfigureAwait(false);
        if (!datagram.IsEmpty)
        {
            mapper.Receive(datagram.Span, Now, output);
        }
    }

    private async Task UseUpnpAsync(Gateway gateway, Ends ends)
    {
        using var client = new UpnpClient(gateway, _options.Binding, _options.Time);
        for (var wait = TimeSpan.FromSeconds(2); !ends.Stop.IsCancellationRequested; )
        {
            var finding = FindAsync(client, ends);
            await WaitAsync(Precedence, ends.Stop).ConfigureAwait(false);
            var services = await finding.ConfigureAwait(false);
            if (services.Count > 0 && !IsMappedOtherwise(gateway))
            {
                await MapAsync(gateway, client, services, ends).ConfigureAwait(false);
                wait = TimeSpan.FromSeconds(2);
            }

            do
            {
                await WaitAsync(wait, ends.Stop).ConfigureAwait(false);
                wait = wait * 2 < _options.Limits.Retry ? wait * 2 : _options.Limits.Retry;
            } while (IsMappedOtherwise(gateway) && !ends.Stop.IsCancellationRequested);
        }
    }

    private static async Task<IReadOnlyList<UpnpService>> FindAsync(UpnpClient client, Ends ends)
    {
        try
        {
            return await client.FindAsync(ends.Stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return [];
        }
    }

    /// <summary>Keeps ports mapped at a router by UPnP, until it is lost or we stop.</summary>
    private async Task MapAsync(Gateway gateway, UpnpClient client, IReadOnlyList<UpnpService> services, Ends ends)
    {
        var mapper = new UpnpMapper(
            services,
            gateway.Address,
            gateway.Local,
            _options.Wishes,
            _options.Limits,
            new DhtRandom(RandomNumberGenerator.GetBytes(DhtRandom.SeedSize))
        );
        var isClosing = false;
        while (!mapper.IsLost && !(isClosing && (mapper.IsClosed || ends.Deadline.IsCancellationRequested)))
        {
            if (ends.Stop.IsCancellationRequested && !isClosing)
            {
                isClosing = true;
                mapper.Close(Now);
            }
            else if (mapper.Next(Now) is { } call)
            {
                // Not cut short by our end: what the router has done must be known to be taken back.
                mapper.Answered(await CallAsync(client, call, ends).ConfigureAwait(false), Now);
                Publish((gateway.Address, true), isClosing ? [] : mapper.Mappings);
            }
            else
            {
                await WaitAsync(Until(mapper.NextDue), isClosing ? ends.Deadline : ends.Stop).ConfigureAwait(false);
            }
        }

        Publish((gateway.Address, true), []);
    }

    private static async Task<UpnpAnswer?> CallAsync(UpnpClient client, UpnpCall call, Ends ends)
    {
        try
        {
            return await client.CallAsync(call, ends.Deadline).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private TimeSpan Until(TimeSpan due)
    {
        var wait = due - Now;
        return wait <= TimeSpan.Zero ? TimeSpan.Zero
            : wait < LongestWait ? wait
            : LongestWait;
    }

    private async Task WaitAsync(TimeSpan time, CancellationToken end)
    {
        try
        {
            await Task.Delay(time, _options.Time, end).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // We stop; the caller looks.
        }
    }

    private bool IsMappedOtherwise(Gateway gateway)
    {
        lock (_lock)
        {
            return _mappings.GetValueOrDefault((gateway.Address, false)) is { Count: > 0 };
        }
    }

    private void Publish((IPAddress Router, bool IsUpnp) source, IReadOnlyList<PortMapping> mappings)
    {
        lock (_lock)
        {
            _mappings[source] = mappings;
            List<PortMapping> all = [.. _mappings.Values.SelectMany(some => some)];
            if (!all.SequenceEqual(_published))
            {
                _published = all;
                _options.OnChange(all);
            }
        }
    }
}
