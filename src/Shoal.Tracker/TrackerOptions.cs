using System.Net;
using Shoal.Protocol;

namespace Shoal.Tracker;

/// <summary>What the user decides about a tracker, once, at its start.</summary>
public sealed record TrackerOptions
{
    /// <summary>
    /// Where to answer over HTTP; port 0: any. [::] takes IPv4 too, unless 0.0.0.0 with the same port is listed.
    /// </summary>
    public IReadOnlyList<IPEndPoint> HttpEndPoints { get; init; } = [];

    /// <summary>Where to answer over UDP; as <see cref="HttpEndPoints"/>.</summary>
    public IReadOnlyList<IPEndPoint> UdpEndPoints { get; init; } = [];

    /// <summary>How often peers shall announce, from 1 s. Default 30 minutes.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>How often peers may announce at most when they need peers, from 1 s. Default 1 minute.</summary>
    public TimeSpan MinInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Peers given to who does not say how many, from 0. Default 50.</summary>
    public int DefaultWanted { get; init; } = 50;

    /// <summary>Peers given at most, from 0 to 512. Default 200. Over UDP besides no more than fit into 1,232 bytes.</summary>
    public int MaxWanted { get; init; } = 200;

    /// <summary>
    /// The path of announces. Another than the default keeps strangers out: HTTP must ask for it, and UDP must
    /// name it as BEP 41 says.
    /// </summary>
    public string Path { get; init; } = DefaultPath;

    public const string DefaultPath = "/announce";

    /// <summary>
    /// Serve only the infohashes in <see cref="Allowed"/> and those given to <see cref="TrackerServer.Allow"/>.
    /// Default false: all.
    /// </summary>
    public bool AllowOnlyListed { get; init; }

    public IReadOnlyCollection<InfoHash> Allowed { get; init; } = [];

    /// <summary>
    /// Who gets no answer and is told to nobody; <see cref="TrackerServer.SetFilter"/> replaces it. Default: nobody.
    /// </summary>
    public IpFilter Filter { get; init; } = IpFilter.Empty;

    /// <summary>
    /// Bounds of what is remembered; <see cref="RegistryLimits.PeerLifetime"/> is taken as at least one and a half
    /// times <see cref="Interval"/>.
    /// </summary>
    public RegistryLimits Limits { get; init; } = new();

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
