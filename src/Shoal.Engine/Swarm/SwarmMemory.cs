using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// What is left of a <see cref="Swarm"/> that has everything and nobody to give it to: enough to make one again that does
/// what the old one would have done, and a hundredth of its size. Thousands of torrents are mostly this.
/// </summary>
/// <remarks>
/// Made by <see cref="Swarm.Remember"/>, which refuses as long as anything is known that would be lost: candidates, bans, debts
/// of peers. What is forgotten none the less: how often slots were opened beyond the limit, the order in which a seed
/// suggests pieces, and files elsewhere on this machine with the same content, which only a torrent needs that lacks something.
/// One caller at a time, as the swarm.
/// </remarks>
internal sealed class SwarmMemory
{
    private readonly List<TrackerUrl> _trackers = [];

    public required SwarmOptions Options { get; init; }
    public required InfoHashes InfoHashes { get; init; }
    public required Metainfo Metainfo { get; init; }

    /// <summary>One for each file; null: all are normal.</summary>
    public required IReadOnlyList<FilePriority>? Priorities { get; init; }

    /// <summary>Piece hashes that peers or the disk told; null: the torrent tells all.</summary>
    public required PieceVerifier? Verifier { get; init; }

    public required bool IsPaused { get; init; }
    public required bool IsSuperSeeding { get; init; }
    public required int Losses { get; init; }
    public required long Downloaded { get; init; }
    public required long Uploaded { get; init; }
    public required long Wasted { get; init; }
    public required int HashFailures { get; init; }

    public required OwnAddresses Own { get; init; }

    public bool IsSequential { get; set; }
    public int UploadSlots { get; set; }

    /// <summary>Those that have answered, in order.</summary>
    public IReadOnlyList<TrackerUrl> Trackers
    {
        get => _trackers;
        init => _trackers = [.. value];
    }

    /// <summary>Takes in what changes nothing but this; false: a swarm has to be made for it.</summary>
    public bool TryTake(in SwarmEvent e)
    {
        if (e.Kind == SwarmEventKind.Tick)
        {
            return true;
        }

        if (e.Kind == SwarmEventKind.CandidatesFound)
        {
            // The DHT names who announced themselves: of a torrent that nobody else has it is we alone, each time.
            var batch = (CandidateBatch)e.Payload!;
            return batch.Source != PeerSource.User && batch.EndPoints.All(Own.Contains);
        }

        if (e.Kind != SwarmEventKind.Command)
        {
            return false;
        }

        switch ((SwarmCommand)e.Payload!)
        {
            case SwarmCommand.Pause:
                return IsPaused;
            case SwarmCommand.Resume:
                return !IsPaused;
            case SwarmCommand.GiveUpPeer:
            case SwarmCommand.ShowCopies:
                return true;
            case SwarmCommand.SetSequential set:
                IsSequential = set.IsSequential;
                return true;
            case SwarmCommand.SetUploadSlots set:
                UploadSlots = set.Slots;
                return true;
            case SwarmCommand.SetListenPort set:
                Own.Port = set.Port;
                return true;
            case SwarmCommand.SetExternalAddress set:
                Own.SetExternal(set.Address);
                return true;
            case SwarmCommand.TrackerWorks works:
                TrackerExchange.Note(_trackers, works.Tracker, Options.Limits);
                return true;
            default:
                return false;
        }
    }
}
