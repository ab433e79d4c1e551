using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>One object a line.</summary>
internal sealed class JsonTransferView(TextWriter output) : ITransferView
{
    /// <summary>The contract: progress "at most once a second".</summary>
    public TimeSpan Interval => TimeSpan.FromSeconds(1);

    public void Show(TransferEvent happening)
    {
        switch (happening)
        {
            case TransferEvent.Listening listening:
                JsonOutput.Write(
                    output,
                    new ListeningLine(listening.Port, [.. listening.EndPoints.Select(end => end.ToString())]),
                    JsonOutput.Context.ListeningLine
                );
                break;
            case TransferEvent.PortMapping mapping:
                JsonOutput.Write(
                    output,
                    new PortMappingLine(
                        mapping.Protocol == MappedProtocol.Tcp ? "tcp" : "udp",
                        mapping.Port,
                        mapping.ExternalPort,
                        mapping.ExternalAddress?.ToString(),
                        mapping.Method
                    ),
                    JsonOutput.Context.PortMappingLine
                );
                break;
            case TransferEvent.AddressKnown(var address):
                JsonOutput.Write(output, new ExternalAddressLine($"{address}"), JsonOutput.Context.ExternalAddressLine);
                break;
            case TransferEvent.MetadataKnown(var metainfo, var wanted):
                JsonOutput.Write(output, Metadata(metainfo, wanted), JsonOutput.Context.MetadataLine);
                break;
            case TransferEvent.Link(var magnet, var file, var trackers):
                JsonOutput.Write(output, new LinkLine(magnet, file, trackers), JsonOutput.Context.LinkLine);
                break;
            case TransferEvent.Streaming(var url, var index, var name, var size, var type):
                JsonOutput.Write(
                    output,
                    new StreamingLine(url, index, name, size, type),
                    JsonOutput.Context.StreamingLine
                );
                break;
            case TransferEvent.VersionFound found:
                JsonOutput.Write(output, Version(found), JsonOutput.Context.VersionLine);
                break;
            case TransferEvent.Published published:
                JsonOutput.Write(output, PublishedLineOf(published), JsonOutput.Context.PublishedLine);
                break;
            case TransferEvent.PeerConnected(var peer):
                JsonOutput.Write(output, Peer(peer), JsonOutput.Context.PeerLine);
                break;
            case TransferEvent.Progress(var status) when status.State == Engine.TorrentState.Checking:
                JsonOutput.Write(
                    output,
                    new CheckingLine(status.PiecesChecked, status.PieceCount),
                    JsonOutput.Context.CheckingLine
                );
                break;
            case TransferEvent.Progress(var status):
                JsonOutput.Write(output, ProgressOf(status), JsonOutput.Context.ProgressLine);
                break;
            case TransferEvent.Complete(var status, var elapsed, var path):
                JsonOutput.Write(
                    output,
                    new CompleteLine(
                        status.WantedBytes,
                        status.Downloaded,
                        status.Uploaded,
                        status.Wasted,
                        status.HashFailures,
                        Seconds(elapsed),
                        path
                    ),
                    JsonOutput.Context.CompleteLine
                );
                break;
            case TransferEvent.PeerGone(var peer, var reason):
                JsonOutput.Write(output, Gone(peer, reason), JsonOutput.Context.PeerGoneLine);
                break;
            case TransferEvent.FilterRead(var ranges):
                JsonOutput.Write(output, new IpFilterLine(ranges), JsonOutput.Context.IpFilterLine);
                break;
            case TransferEvent.Warning(var code, var message):
                JsonOutput.Write(output, new WarningLine(code, SafeText.Of(message)), JsonOutput.Context.WarningLine);
                break;
            case TransferEvent.Stopped(var reason, var status, var elapsed):
                JsonOutput.Write(
                    output,
                    new StoppedLine(reason, status?.Downloaded ?? 0, status?.Uploaded ?? 0, Seconds(elapsed)),
                    JsonOutput.Context.StoppedLine
                );
                break;
        }
    }

    public void Dispose() { }

    private static double Seconds(TimeSpan elapsed) => Math.Round(elapsed.TotalSeconds, 3);

    private static MetadataLine Metadata(Metainfo metainfo, long wanted) =>
        new(
            metainfo.InfoHashes.V1?.ToString(),
            metainfo.InfoHashes.V2?.ToString(),
            metainfo.Name,
            metainfo.Size,
            metainfo.Layout.PieceCount,
            metainfo.Layout.PieceLength,
            TorrentText.Format(metainfo.Format),
            metainfo.IsPrivate,
            metainfo.Files.Count(file => !file.IsPad),
            wanted
        );

    private static VersionLine Version(TransferEvent.VersionFound found) =>
        new(
            found.IsUpdate ? "update" : "resolved",
            found.Publication.KeyText,
            found.Publication.SaltText,
            found.Version.Sequence,
            found.Version.InfoHashes.V1?.ToString(),
            found.Version.InfoHashes.V2?.ToString(),
            found.Folder
        );

    internal static PublishedLine PublishedLineOf(TransferEvent.Published published) =>
        new(
            published.Magnet,
            published.Publication.KeyText,
            published.Publication.SaltText,
            published.Sequence,
            published.Torrent?.V1?.ToString(),
            published.Torrent?.V2?.ToString(),
            published.StoredAt
        );

    private static PeerLine Peer(Engine.PeerStatus peer) =>
        new(
            PeerText.Address(peer),
            peer.Client,
            peer.IsOutgoing,
            PeerText.Source(peer.Source),
            PeerText.AllSources(peer.Source),
            PeerText.Transport(peer.Transport),
            PeerText.Encryption(peer.Encryption),
            peer.Member?.ToString(),
            peer.Member is null ? null : PeerText.Role(peer.MemberRole)
        );

    private static PeerGoneLine Gone(Engine.PeerStatus peer, Engine.DisconnectReason reason) =>
        new(PeerText.Address(peer), PeerText.Reason(reason), peer.Downloaded, peer.Uploaded);

    private static ProgressLine ProgressOf(Engine.TorrentStatus status) =>
        new(
            TorrentText.State(status.State),
            status.DoneBytes,
            status.WantedBytes,
            status.DownloadRate,
            status.UploadRate,
            status.PeerCount,
            status.SeedCount,
            status.WebSeedCount,
            status.Downloaded,
            status.Uploaded,
            status.Pieces?.Count ?? 0,
            status.PieceCount,
            status.DhtSeeds,
            status.DhtPeers
        );
}
