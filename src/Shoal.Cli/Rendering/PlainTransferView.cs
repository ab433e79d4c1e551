using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>A line for each thing that happens, and one for the progress now and then: for logs and pipes.</summary>
internal sealed class PlainTransferView(TextWriter output, TimeProvider time) : ITransferView
{
    private static readonly TimeSpan BetweenProgress = TimeSpan.FromSeconds(5);
    private long _lastProgress = time.GetTimestamp();
    private string _lastLine = "";

    public TimeSpan Interval => TimeSpan.FromSeconds(1);

    public void Show(TransferEvent happening)
    {
        switch (happening)
        {
            case TransferEvent.Listening(var port, _):
                Write($"Listening on port {port}");
                break;
            case TransferEvent.PortMapping mapping:
                Write(PortLine(mapping));
                break;
            case TransferEvent.AddressKnown(var address):
                Write($"The world sees us at {address}");
                break;
            case TransferEvent.MetadataKnown(var metainfo, var wanted):
                var chosen = wanted == metainfo.Size ? "" : $", {ByteSize.Format(wanted)} of it chosen";
                Write(
                    $"{SafeText.Of(metainfo.Name)}: {ByteSize.Format(metainfo.Size)} in "
                        + $"{TorrentText.Count(metainfo.Files.Count(file => !file.IsPad), "file")}{chosen}"
                );
                break;
            case TransferEvent.Link(var magnet, var file, _):
                Write(file is null ? magnet : $"Wrote {SafeText.Of(file)}{Environment.NewLine}{magnet}");
                break;
            case TransferEvent.Streaming streaming:
                Write(StreamingLine(streaming));
                Write(streaming.Url);
                break;
            case TransferEvent.Resolving(var publication):
                Write(ResolvingLine(publication));
                break;
            case TransferEvent.VersionFound found:
                Write(VersionLine(found));
                break;
            case TransferEvent.Published published:
                Write(PublishedLine(published));
                Write(published.Magnet);
                break;
            case TransferEvent.Hashing(var name, var done, var size):
                Now(() => $"Hashing {SafeText.Of(name)}: {TransferViews.Percent(done, size)}");
                break;
            case TransferEvent.Progress(var status):
                Now(() => Line(status));
                break;
            case TransferEvent.Complete(var status, var elapsed, var path):
                Write(CompleteLine(status, elapsed, path));
                break;
            case TransferEvent.FilterRead(var ranges):
                Write(FilterLine(ranges));
                break;
            case TransferEvent.Warning(_, var message):
                Write("Warning: " + SafeText.Of(message));
                break;
            case TransferEvent.Stopped(var reason, var status, _):
                Write(StoppedLine(reason, status));
                break;
        }
    }

    public void Dispose() { }

    internal static string FilterLine(int ranges) => $"IP filter read again: {TorrentText.Count(ranges, "range")}";

    internal static string CompleteLine(TorrentStatus status, TimeSpan elapsed, string path)
    {
        var rate = elapsed > TimeSpan.Zero ? (long)(status.Downloaded / elapsed.TotalSeconds) : 0;
        return status.Downloaded == 0
            ? $"Complete: {SafeText.Of(path)} ({ByteSize.Format(status.WantedBytes)}, all of it was here)"
            : $"Complete: {SafeText.Of(path)} ({ByteSize.Format(status.WantedBytes)} in {Duration.Format(elapsed)}, "
                + $"{Rate.Format(rate)})";
    }

    internal static string PortLine(TransferEvent.PortMapping mapping)
    {
        var own = $"{(mapping.Protocol == MappedProtocol.Tcp ? "TCP" : "UDP")} port {mapping.Port}";
        return mapping.ExternalPort is not { } port ? $"The router no longer forwards {own}"
            : mapping.ExternalAddress is { } address ? $"The router forwards {new IPEndPoint(address, port)} to {own}"
            : $"The router forwards its port {port} to {own}";
    }

    internal static string StreamingLine(TransferEvent.Streaming streaming) =>
        $"{SafeText.Of(streaming.Path)} can be played, until a player has come and gone (Ctrl+C ends it sooner):";

    internal static string ResolvingLine(PublicationName publication) =>
        $"Asking the DHT where the key {publication.KeyText[..16]}… leads";

    internal static string VersionLine(TransferEvent.VersionFound found) =>
        (found.IsUpdate ? "A new version is out: " : "The link leads to ")
        + $"version {found.Version.Sequence}, {TorrentText.Names(found.Version.InfoHashes)}, into "
        + SafeText.Of(found.Folder);

    internal static string PublishedLine(TransferEvent.Published published) =>
        $"Published as version {published.Sequence}, with {TorrentText.Count(published.StoredAt, "node")} of the DHT, "
        + "under a link that stays the same:";

    internal static string StoppedLine(string reason, TorrentStatus? status) =>
        status is null
            ? $"Stopped ({reason})"
            : $"Stopped ({reason}): received {ByteSize.Format(status.Downloaded)}, sent {ByteSize.Format(status.Uploaded)}";

    internal static string Line(TorrentStatus status)
    {
        var peers = TransferViews.Sources(status);
        return status.State switch
        {
            TorrentState.FetchingMetadata => $"Waiting for the metadata from {peers}",
            TorrentState.Checking => $"Checking: {TransferViews.Percent(status.PiecesChecked, status.PieceCount)} of "
                + TorrentText.Count(status.PieceCount, "piece"),
            TorrentState.Seeding =>
                $"Seeding: up {Rate.Format(status.UploadRate)}, sent {ByteSize.Format(status.Uploaded)}, {peers}",
            TorrentState.Failed => $"Waiting: {SafeText.Of(status.Error)}",
            TorrentState.Paused => "Paused",
            _ => $"{TransferViews.Percent(status.DoneBytes, status.WantedBytes)}: "
                + $"{ByteSize.Format(status.DoneBytes)} of {ByteSize.Format(status.WantedBytes)}, "
                + $"down {Rate.Format(status.DownloadRate)}, up {Rate.Format(status.UploadRate)}, {peers}"
                + (TransferViews.TimeLeft(status) is { } left ? $", {Duration.Format(left)} left" : ""),
        };
    }

    private void Now(Func<string> line)
    {
        if (time.GetElapsedTime(_lastProgress) < BetweenProgress)
        {
            return;
        }

        _lastProgress = time.GetTimestamp();
        var text = line();
        // Nothing moved: nothing to say.
        if (text != _lastLine)
        {
            Write(text);
            _lastLine = text;
        }
    }

    private void Write(string line)
    {
        output.WriteLine(line);
        output.Flush();
    }
}
