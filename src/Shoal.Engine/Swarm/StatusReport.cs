namespace Shoal.Engine;

/// <summary>Makes the published snapshot.</summary>
internal static class StatusReport
{
    public static TorrentStatus Create(SwarmState state, int leftToCheck, int candidates)
    {
        var content = state.Content;
        var seeds = 0;
        var peers = new PeerStatus[state.Peers.Count];
        for (var i = 0; i < peers.Length; i++)
        {
            seeds += state.Peers[i] is { IsSeed: true, IsWebSeed: false } ? 1 : 0;
            peers[i] = Create(state.Peers[i]);
        }

        return new TorrentStatus
        {
            State = StateOf(state),
            WantedBytes = content?.Files.WantedBytes ?? 0,
            DoneBytes = content?.Files.DoneBytes ?? 0,
            TotalBytes = content?.Metainfo.Size ?? 0,
            PieceCount = content?.Layout.PieceCount ?? 0,
            Pieces = content?.Have.Clone(),
            PiecesChecked = content is null || state.IsChecked ? 0 : content.Layout.PieceCount - leftToCheck,
            Downloaded = state.Downloaded,
            Uploaded = state.Uploaded,
            Wasted = state.Wasted,
            HashFailures = state.HashFailures,
            ReceivedFrom = state.Credits.Snapshot,
            DownloadRate = (long)state.Down.Slow,
            UploadRate = (long)state.Up.Slow,
            PeerCount = state.PeerCount,
            WebSeedCount = state.WebSeedCount,
            SeedCount = seeds,
            CandidateCount = candidates,
            Availability = content?.Availability.DistributedCopies() ?? 0,
            Copies = state.Now < state.CopiesShownUntil ? content?.Availability.Copies() : null,
            Error = state.DiskFailure?.Message ?? state.Fault,
            FailureKind = state.DiskFailure?.Kind,
            Peers = peers,
        };
    }

    private static TorrentState StateOf(SwarmState state) =>
        state switch
        {
            // Paused torrents are checked too, and who waits for that must see when it is done.
            { Content: not null, IsChecked: false, DiskFailure: null, Fault: null } => TorrentState.Checking,
            { IsPaused: true } => TorrentState.Paused,
            { DiskFailure: not null } or { Fault: not null } => TorrentState.Failed,
            { Content: null } => TorrentState.FetchingMetadata,
            { IsSeeding: true } => TorrentState.Seeding,
            _ => TorrentState.Downloading,
        };

    /// <summary>A snapshot of one peer.</summary>
    public static PeerStatus Create(PeerState peer) =>
        new()
        {
            EndPoint = peer.Introduction.EndPoint,
            WebSeed = peer.Introduction.WebSeed?.Display,
            PeerId = peer.Introduction.PeerId,
            Client = peer.Client,
            IsOutgoing = peer.Introduction.IsOutgoing,
            Source = peer.Source,
            Transport = peer.Introduction.Transport,
            Encryption = peer.Introduction.Encryption,
            Member = peer.Introduction.Member?.Member,
            MemberRole = peer.Introduction.Member?.Role ?? default,
            Progress = peer.Have is { Length: > 0 } have ? (double)have.Count / have.Length : 0,
            DownloadRate = (long)peer.Down.Slow,
            UploadRate = (long)peer.Up.Slow,
            Downloaded = peer.Down.Total,
            Uploaded = peer.Up.Total,
            IsChokingUs = peer.IsChokingUs,
            IsInterested = peer.IsInterested,
            AreWeChoking = peer.AreWeChoking,
            AreWeInterested = peer.AreWeInterested,
        };
}
