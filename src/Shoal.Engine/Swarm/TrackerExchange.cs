using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// lt_trackers: tells peers which trackers have answered us, and takes theirs. What they name is hearsay: asked with care
/// (<see cref="TrackerManners"/>), told on only once it has worked for us.
/// </summary>
internal sealed class TrackerExchange(SwarmState state, ExtensionRegistry extensions)
{
    /// <summary>Between two messages to one peer, as libtorrent has it.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(2);

    /// <summary>After its handshake.</summary>
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(5);

    /// <summary>Messages a peer may send at once, and how soon it earns the next.</summary>
    private const int MessageBurst = 5;
    private static readonly TimeSpan EarnedEvery = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Trackers remembered as known to one peer, some 500 bytes each: two messages of the longest kind. Beyond: it may be told of one
    /// that it has. A peer may name fifty new ones a minute as long as it is connected.
    /// </summary>
    internal const int MaxRemembered = 2 * LtTrackers.MaxUrls;

    private readonly List<TrackerUrl> _working = [];
    private readonly HashSet<TrackerUrl> _heard = [];
    private readonly Dictionary<IPAddress, int> _heardOf = [];

    /// <summary>What goes to and fro with one peer.</summary>
    internal sealed class Exchange
    {
        public HashSet<TrackerUrl> Told { get; } = [];
        public TimeSpan NextAt { get; set; }
        public double Savings { get; set; } = MessageBurst;
        public TimeSpan SavedAt { get; set; }
    }

    /// <summary>Not for private torrents, nor before it is known that the torrent is none: its trackers are all it has.</summary>
    public bool IsOn => state.Options.UseTrackerExchange && state.Content is { Metainfo.IsPrivate: false };

    /// <summary>The peer's extension handshake came.</summary>
    public void OnHandshake(PeerState peer) =>
        peer.Trackers ??= new Exchange { NextAt = state.Now + FirstDelay, SavedAt = state.Now };

    /// <summary>Trackers that have answered us, in order.</summary>
    public IReadOnlyList<TrackerUrl> Working => _working;

    /// <summary>Peers have named none: each of them may name a few only, also when the torrent has rested meanwhile.</summary>
    public bool IsBlank => _heard.Count == 0;

    /// <summary>A tracker has answered us.</summary>
    public void Works(TrackerUrl tracker) => Note(_working, tracker, state.Limits);

    /// <summary>Adds a tracker to those that have answered us.</summary>
    public static void Note(List<TrackerUrl> working, TrackerUrl tracker, SwarmLimits limits)
    {
        if (!working.Contains(tracker) && working.Count < limits.MaxTrackersTold)
        {
            working.Add(tracker);
        }
    }

    public void OnSecond()
    {
        if (!IsOn || state.IsPaused || _working.Count == 0)
        {
            return;
        }

        foreach (var peer in state.Peers)
        {
            if (
                peer is { IsGone: false, Trackers: { } exchange }
                && state.Now >= exchange.NextAt
                && extensions.Speaks(peer, LtTrackers.Name)
            )
            {
                Tell(peer, exchange);
            }
        }
    }

    public DisconnectReason? OnMessage(PeerState peer, byte[] payload)
    {
        if (!IsOn)
        {
            // It may have been under way when we took the offer back.
            return null;
        }

        var exchange = peer.Trackers ??= new Exchange { SavedAt = state.Now };
        var earned = (state.Now - exchange.SavedAt) / EarnedEvery;
        exchange.Savings = Math.Min(MessageBurst, exchange.Savings + earned) - 1;
        exchange.SavedAt = state.Now;
        if (exchange.Savings < 0)
        {
            return DisconnectReason.Flood;
        }

        if (!LtTrackers.TryRead(payload, out var urls))
        {
            return DisconnectReason.MalformedMessage;
        }

        var network = PeerNetwork.Of(peer.Address);
        var by = NetworkReaches.Of(peer.Address);
        var limits = state.Limits;
        List<HearsayTracker>? found = null;
        foreach (var url in urls)
        {
            if (TrackerManners.Read(url, by) is not { } tracker)
            {
                continue;
            }

            // It has it already, and a tracker that we know anyway is no news.
            if (exchange.Told.Count < MaxRemembered)
            {
                exchange.Told.Add(tracker.Url);
            }

            if (
                _heard.Count < limits.MaxTrackersHeard
                && _heardOf.GetValueOrDefault(network) < limits.MaxTrackersHeardOfPeer
                && !_working.Contains(tracker.Url)
                && _heard.Add(tracker.Url)
            )
            {
                _heardOf[network] = _heardOf.GetValueOrDefault(network) + 1;
                (found ??= []).Add(tracker);
            }
        }

        if (found is not null)
        {
            state.Tell(SwarmEffectKind.TrackersHeard, payload: found);
        }

        return null;
    }

    private void Tell(PeerState peer, Exchange exchange)
    {
        exchange.NextAt = state.Now + Interval;
        var to = NetworkReaches.Of(peer.Address);
        var news = _working.FindAll(tracker =>
            !exchange.Told.Contains(tracker) && TrackerManners.MayBeTold(tracker, to)
        );
        if (news.Count > 0)
        {
            exchange.Told.UnionWith(news);
            extensions.TrySend(
                peer,
                LtTrackers.Name,
                LtTrackers.Write([.. news.Select(tracker => tracker.ToString())])
            );
        }
    }
}
