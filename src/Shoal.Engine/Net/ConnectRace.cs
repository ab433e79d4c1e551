namespace Shoal.Engine;

/// <summary>Which route won a race and its connection, or else why none did.</summary>
internal readonly record struct RaceOutcome(ITransport? Transport, DialRoute Route, DisconnectReason Failure = default);

/// <summary>
/// Happy eyeballs (RFC 8305) over addresses and transports: the best route starts, each further one after a head start
/// or as soon as nothing is under way any more; the first connection wins and the others are given up.
/// </summary>
/// <remarks>
/// The first connection, not the first handshake: a peer that is called twice by the same torrent at once hangs up on
/// one of the two, and nobody knows which.
/// </remarks>
/// <param name="connectors">By transport.</param>
/// <param name="headStart">How long a route runs alone.</param>
/// <param name="time">The clock of that.</param>
internal sealed class ConnectRace(
    IReadOnlyDictionary<TransportKind, IPeerConnector> connectors,
    TimeSpan headStart,
    TimeProvider time
)
{
    /// <summary>Never throws for what the network or the owner's stop does to it. Every loser is over when it completes.</summary>
    /// <param name="routes">The best first; at least one.</param>
    /// <param name="cancellation">The owner stops; the outcome is then ShuttingDown.</param>
    public async Task<RaceOutcome> RunAsync(IReadOnlyList<DialRoute> routes, CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var running = new List<Task<RaceOutcome>> { ConnectAsync(routes[0], over.Token) };
        var next = 1;
        var won = default(RaceOutcome);
        var failure = default(DisconnectReason?);
        while (won.Transport is null && running.Count > 0)
        {
            if (await FirstAsync(running, next < routes.Count).ConfigureAwait(false) is { } first)
            {
                running.Remove(first);
                won = await first.ConfigureAwait(false);
                // Why the best route failed says most about the peer.
                failure = won.Route == routes[0] ? won.Failure : failure ?? won.Failure;
            }

            if (won.Transport is null && next < routes.Count && !cancellation.IsCancellationRequested)
            {
                running.Add(ConnectAsync(routes[next++], over.Token));
            }
        }

        await over.CancelAsync().ConfigureAwait(false);
        foreach (var loser in running)
        {
            // It may have been faster than our giving it up.
            (await loser.ConfigureAwait(false)).Transport?.Dispose();
        }

        if (!cancellation.IsCancellationRequested)
        {
            return won.Transport is not null ? won : new RaceOutcome(null, routes[0], failure!.Value);
        }

        won.Transport?.Dispose();
        return new RaceOutcome(null, routes[0], DisconnectReason.ShuttingDown);
    }

    /// <summary>The attempt that is over first; null: the head start of the next route is over before.</summary>
    private async Task<Task<RaceOutcome>?> FirstAsync(List<Task<RaceOutcome>> running, bool hasNext)
    {
        var first = Task.WhenAny(running);
        if (!hasNext)
        {
            return await first.ConfigureAwait(false);
        }

        using var enough = new CancellationTokenSource();
        var delay = Task.Delay(headStart, time, enough.Token);
        var isFirst = await Task.WhenAny(first, delay).ConfigureAwait(false) == first;
        await enough.CancelAsync().ConfigureAwait(false);
        return isFirst ? await first.ConfigureAwait(false) : null;
    }

    private async Task<RaceOutcome> ConnectAsync(DialRoute route, CancellationToken over)
    {
        var connector = connectors[route.Transport];
        var (transport, failure) = await (
            route.IsPunch ? connector.PunchAsync(route.Remote, over) : connector.ConnectAsync(route.Remote, over)
        ).ConfigureAwait(false);
        return new RaceOutcome(transport, route, failure);
    }
}
