using System.Net;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What the user can tell a swarm.</summary>
internal abstract record SwarmCommand
{
    private SwarmCommand() { }

    /// <summary>Stop: disconnect all peers, keep state. Also sent by the shell when it stops.</summary>
    internal sealed record Pause : SwarmCommand;

    internal sealed record Resume : SwarmCommand;

    /// <summary>Hash everything on disk again.</summary>
    internal sealed record Recheck : SwarmCommand;

    /// <summary>One priority a file, in the order of <see cref="Metainfo.Files"/>.</summary>
    internal sealed record SetFilePriorities(IReadOnlyList<FilePriority> Priorities) : SwarmCommand;

    internal sealed record SetSequential(bool IsSequential) : SwarmCommand;

    /// <summary>The piece is wanted by that time (same clock as Handle's); null takes the wish back.</summary>
    internal sealed record SetDeadline(PieceIndex Piece, TimeSpan? Deadline) : SwarmCommand;

    /// <summary>
    /// Somebody begins to read, from an offset in the torrent's range to another: told how far it may by
    /// <see cref="SwarmEffectKind.ReaderAdvanced"/>.
    /// </summary>
    internal sealed record OpenReader(int Reader, long Position, long End) : SwarmCommand;

    /// <summary>It has read up to there.</summary>
    internal sealed record MoveReader(int Reader, long Position) : SwarmCommand;

    internal sealed record CloseReader(int Reader) : SwarmCommand;

    /// <summary>Somebody looks at how many peers have each piece: the snapshots say so for a while.</summary>
    internal sealed record ShowCopies : SwarmCommand;

    internal sealed record SetSuperSeeding(bool IsSuperSeeding) : SwarmCommand;

    /// <summary>The world sees us at this address, of those of its family.</summary>
    internal sealed record SetExternalAddress(IPAddress Address) : SwarmCommand;

    /// <summary>Another torrent needs the place of a peer: the least useful one goes.</summary>
    internal sealed record GiveUpPeer : SwarmCommand;

    /// <summary>So many peers may be unchoked at once; from 2.</summary>
    internal sealed record SetUploadSlots(int Slots) : SwarmCommand;

    /// <summary>The port where peers reach us is another now; told in later handshakes.</summary>
    internal sealed record SetListenPort(int Port) : SwarmCommand;

    /// <summary>A newer list of who is no member any more.</summary>
    internal sealed record SetRevocations(RevocationList List) : SwarmCommand;

    /// <summary>The tracker has answered an announce of the torrent; told each time.</summary>
    internal sealed record TrackerWorks(TrackerUrl Tracker) : SwarmCommand;
}

public enum FilePriority
{
    /// <summary>Not wanted.</summary>
    Skip = 0,
    Low = 1,
    Normal = 4,
    High = 7,
}
