using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>What happens while get, seed or share run, in order. A view makes it visible.</summary>
internal abstract record TransferEvent
{
    private TransferEvent() { }

    internal sealed record Listening(int Port, IReadOnlyList<IPEndPoint> EndPoints) : TransferEvent;

    /// <summary>A router forwards a port to us, or (null) no longer does.</summary>
    internal sealed record PortMapping(
        MappedProtocol Protocol,
        int Port,
        int? ExternalPort,
        IPAddress? ExternalAddress,
        string? Method
    ) : TransferEvent;

    /// <summary>Where the world sees us, as far as others agree.</summary>
    internal sealed record AddressKnown(IPAddress Address) : TransferEvent;

    internal sealed record MetadataKnown(Metainfo Metainfo, long WantedBytes) : TransferEvent;

    /// <summary>How others get what is shared here.</summary>
    internal sealed record Link(string Magnet, string? File, IReadOnlyList<string> Trackers) : TransferEvent;

    /// <summary>A file can be played from now on.</summary>
    /// <param name="Url">On this machine.</param>
    /// <param name="File">Its place in the torrent.</param>
    internal sealed record Streaming(string Url, int File, string Path, long Size, string Type) : TransferEvent;

    /// <summary>It is being looked for where a link leads.</summary>
    internal sealed record Resolving(PublicationName Publication) : TransferEvent;

    /// <summary>A link leads to this torrent now.</summary>
    /// <param name="Folder">Where its content goes.</param>
    /// <param name="IsUpdate">Another version was fetched before.</param>
    internal sealed record VersionFound(
        PublicationName Publication,
        PublishedVersion Version,
        string Folder,
        bool IsUpdate
    ) : TransferEvent;

    /// <summary>A link that stays the same leads to what is shared here.</summary>
    /// <param name="Torrent">Null: to something newer that somebody else with the key has published.</param>
    internal sealed record Published(
        string Magnet,
        PublicationName Publication,
        long Sequence,
        InfoHashes? Torrent,
        int StoredAt
    ) : TransferEvent;

    /// <summary>Files are being hashed before they are shared.</summary>
    internal sealed record Hashing(string Name, long Done, long Size) : TransferEvent;

    /// <summary>Somebody has connected, or was reached.</summary>
    internal sealed record PeerConnected(PeerStatus Peer) : TransferEvent;

    internal sealed record Progress(TorrentStatus Status) : TransferEvent;

    /// <param name="Path">The file or folder that is complete now.</param>
    internal sealed record Complete(TorrentStatus Status, TimeSpan Elapsed, string Path) : TransferEvent;

    internal sealed record PeerGone(PeerStatus Peer, DisconnectReason Reason) : TransferEvent;

    /// <summary>The lists of <c>--ip-filter</c> were read again.</summary>
    internal sealed record FilterRead(int Ranges) : TransferEvent;

    internal sealed record Warning(string Code, string Message) : TransferEvent;

    /// <summary>The end of a command that went on after completion, or was interrupted.</summary>
    internal sealed record Stopped(string Reason, TorrentStatus? Status, TimeSpan Elapsed) : TransferEvent;
}

/// <summary>Shows transfer events; called by one caller at a time. Disposing leaves the terminal as it was.</summary>
internal interface ITransferView : IDisposable
{
    /// <summary>How often progress is worth showing.</summary>
    TimeSpan Interval { get; }

    void Show(TransferEvent happening);
}

internal static class TransferViews
{
    /// <summary>JSON if asked for, a live picture on a terminal, otherwise lines.</summary>
    public static ITransferView For(CliHost host, bool json) =>
        json ? new JsonTransferView(host.Out)
        : host.IsTerminal ? new TerminalTransferView(host)
        : new PlainTransferView(host.Out, host.Time);

    /// <summary>Seconds until everything wanted is here at the present rate; null when nothing moves.</summary>
    public static TimeSpan? TimeLeft(TorrentStatus status)
    {
        var left = status.WantedBytes - status.DoneBytes;
        return left <= 0 || status.DownloadRate <= 0 || left / status.DownloadRate > 100L * 86400
            ? null
            : TimeSpan.FromSeconds((double)left / status.DownloadRate);
    }

    /// <summary>"3 peers", and with seeds and web seeds where there are some.</summary>
    public static string Sources(TorrentStatus status, bool withSeeds = false)
    {
        var text = TorrentText.Count(status.PeerCount, "peer");
        text += withSeeds && status.SeedCount > 0 ? ", " + TorrentText.Count(status.SeedCount, "seed") : "";
        return text + (status.WebSeedCount > 0 ? ", " + TorrentText.Count(status.WebSeedCount, "web seed") : "");
    }

    public static double Share(long done, long size) => size <= 0 ? 1 : Math.Clamp((double)done / size, 0, 1);

    /// <summary>Rounded down: 100 % is said only when it is true.</summary>
    public static string Percent(long done, long size) =>
        (Math.Floor(Share(done, size) * 1000) / 10).ToString("0.0", System.Globalization.CultureInfo.InvariantCulture)
        + " %";
}
