using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>An address we know. Changed by <see cref="CandidatePool"/> only, and never while it is queued.</summary>
internal sealed class Candidate
{
    public required IPEndPoint EndPoint { get; init; }

    /// <summary>BEP 40.</summary>
    public uint Priority { get; set; }

    /// <summary>In the order they were heard of.</summary>
    public long Number { get; init; }
    public PeerSource Source { get; set; }
    public int Failures { get; set; }
    public TimeSpan NotBefore { get; set; }
    public bool IsConnecting { get; set; }
    public TimeSpan CalledAt { get; set; }
    public bool IsConnected { get; set; }

    /// <summary>When we met, neither had anything for the other: it rests, unless what we want becomes another.</summary>
    public bool IsSpent { get; set; }

    /// <summary>Not null while only peer exchange names it.</summary>
    public Hearsay.Sponsor? Sponsor { get; set; }

    /// <summary>What peer exchange says of it.</summary>
    public PexFlags Flags { get; set; }

    /// <summary>Who named it, unless <see cref="Sponsor"/> says so.</summary>
    public CandidateTeller Teller { get; set; }

    /// <summary>Where it waits for its turn: owned by <see cref="CandidateQueue"/>.</summary>
    public CandidateQueue.Lane? Lane { get; set; }

    /// <summary>Neither tried at this moment nor connected.</summary>
    public bool IsIdle => !IsConnecting && !IsConnected;
}

/// <summary>Who names candidates: a kind of source, and which of that kind. Tellers share our attempts.</summary>
/// <param name="Source">One flag.</param>
/// <param name="Name">For example the tracker's URL; null where there is only one.</param>
internal readonly record struct CandidateTeller(PeerSource Source, string? Name = null);
