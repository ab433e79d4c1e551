using System.Text;
using Shoal.Engine;
using Shoal.Protocol;
using Spectre.Console;

namespace Shoal.Cli;

/// <summary>
/// A picture at the bottom of the terminal that is drawn anew in place; what happens once is printed above it and
/// stays.
/// </summary>
internal sealed class TerminalTransferView : ITransferView
{
    private readonly CliHost _host;
    private Metainfo? _metainfo;
    private string _name = "";
    private string? _note;
    private long _published = -1;
    private int _drawn;

    public TerminalTransferView(CliHost host)
    {
        _host = host;
        host.Out.Write("\e[?25l");
    }

    public TimeSpan Interval => TimeSpan.FromMilliseconds(250);

    public void Show(TransferEvent happening)
    {
        switch (happening)
        {
            case TransferEvent.Listening:
                break;
            case TransferEvent.MetadataKnown(var metainfo, _):
                _metainfo = metainfo;
                _name = SafeText.Of(metainfo.Name);
                break;
            case TransferEvent.Link link:
                Print(LinkLines(link));
                break;
            case TransferEvent.Streaming streaming:
                Print([
                    Markup.Escape(PlainTransferView.StreamingLine(streaming)),
                    "",
                    "  " + Markup.Escape(streaming.Url),
                    "",
                ]);
                break;
            case TransferEvent.Resolving(var publication):
                Draw([Markup.Escape(PlainTransferView.ResolvingLine(publication)) + " ..."]);
                break;
            case TransferEvent.VersionFound found:
                _note = null;
                Print([Markup.Escape(PlainTransferView.VersionLine(found))]);
                break;
            case TransferEvent.Published published:
                PrintPublished(published);
                break;
            case TransferEvent.Hashing(var name, var done, var size):
                var bar = _host.TerminalSize().Width - 14;
                Draw([$"Hashing {Escape(name)}", Bar(TransferViews.Share(done, size), bar, done, size)]);
                break;
            case TransferEvent.Progress(var status):
                Draw(Picture(status));
                break;
            case TransferEvent.Complete(var status, var elapsed, var path):
                _note = null;
                Print(["[green]✓[/] " + Markup.Escape(PlainTransferView.CompleteLine(status, elapsed, path))]);
                break;
            case TransferEvent.FilterRead(var ranges):
                Print([Markup.Escape(PlainTransferView.FilterLine(ranges))]);
                break;
            case TransferEvent.Warning(_, var message):
                _note = message;
                break;
            case TransferEvent.Stopped(var reason, var status, _):
                Print([Markup.Escape(PlainTransferView.StoppedLine(reason, status))]);
                break;
        }
    }

    public void Dispose()
    {
        Draw([]);
        _host.Out.Write("\e[?25h");
        _host.Out.Flush();
    }

    private List<string> Picture(TorrentStatus status)
    {
        var (width, height) = _host.TerminalSize();
        var lines = new List<string> { Title(status, width) };
        switch (status.State)
        {
            case TorrentState.FetchingMetadata:
                lines.Add($"Asking {TorrentText.Count(status.PeerCount, "peer")} what the torrent contains ...");
                break;
            case TorrentState.Checking:
                lines.Add(
                    Bar(
                        TransferViews.Share(status.PiecesChecked, status.PieceCount),
                        width - 14,
                        status.PiecesChecked,
                        status.PieceCount
                    )
                );
                lines.Add("Checking what is on disk");
                break;
            default:
                if (status.State != TorrentState.Seeding)
                {
                    var share = TransferViews.Share(status.DoneBytes, status.WantedBytes);
                    lines.Add(Bar(share, width - 14, status.DoneBytes, status.WantedBytes));
                }

                lines.Add(Numbers(status, width - 1));
                AddMap(lines, status, width, height);
                break;
        }

        if (status.Error is { } error)
        {
            lines.Add($"[red]{Escape(error)}[/]");
        }
        else if (_note is { } note)
        {
            lines.Add($"[yellow]{Markup.Escape(SafeText.Fit(SafeText.Of(note), width - 2))}[/]");
        }

        return lines;
    }

    private string Title(TorrentStatus status, int width)
    {
        var size = _metainfo is null ? "" : ByteSize.Format(_metainfo.Size);
        var state = TorrentText.State(status.State);
        var name = SafeText.Fit(_name, Math.Max(8, width - size.Length - state.Length - 6));
        return $"[bold]{Markup.Escape(name)}[/]  {size}  [grey]{state}[/]";
    }

    private static string Numbers(TorrentStatus status, int width)
    {
        var parts = new List<string>();
        if (status.State == TorrentState.Downloading)
        {
            parts.Add($"[green]↓ {Rate.Format(status.DownloadRate)}[/]");
        }

        parts.Add($"[blue]↑ {Rate.Format(status.UploadRate)}[/]");
        parts.Add(TransferViews.Sources(status, withSeeds: true));
        if (TransferViews.TimeLeft(status) is { } left && status.State == TorrentState.Downloading)
        {
            parts.Add(Duration.Format(left) + " left");
        }

        parts.Add(
            status.State == TorrentState.Downloading
                ? $"{ByteSize.Format(status.DoneBytes)} of {ByteSize.Format(status.WantedBytes)}"
                : $"sent {ByteSize.Format(status.Uploaded)}"
        );

        if (status.DhtSeeds + status.DhtPeers is > 0 and var others)
        {
            parts.Add($"about {TorrentText.Count(others, "peer")} in the DHT");
        }

        // What comes last is what a narrow window does without.
        while (parts.Count > 1 && SafeText.Width(Markup.Remove(string.Join("   ", parts))) > width)
        {
            parts.RemoveAt(parts.Count - 1);
        }

        return string.Join("   ", parts);
    }

    private static void AddMap(List<string> lines, TorrentStatus status, int width, int height)
    {
        var rows = Math.Min(3, height - 8);
        if (status.State == TorrentState.Downloading && rows > 0 && status.Pieces is { Length: > 8 } pieces)
        {
            lines.AddRange(PieceMap.Draw(pieces, width - 2, rows).Select(row => $"[blue on grey15]{row}[/]"));
        }
    }

    private static string Bar(double share, int width, long done, long size)
    {
        width = Math.Max(10, width);
        var full = (int)(share * width);
        return $"[green]{new string('━', full)}[/][grey]{new string('─', width - full)}[/]  "
            + TransferViews.Percent(done, size);
    }

    private List<string> LinkLines(TransferEvent.Link link)
    {
        var lines = new List<string>();
        var code = QrText.Of(link.Magnet);
        var (width, height) = _host.TerminalSize();
        // A code that does not fit would be torn; the link says the same.
        if (code.Count > 0 && code[0].Length <= width && code.Count <= height - 6)
        {
            lines.AddRange(code.Select(row => $"[black on white]{row}[/]"));
        }

        if (link.File is { } file)
        {
            lines.Add($"Wrote [bold]{Escape(file)}[/]");
        }

        lines.Add("Others get it with:");
        lines.Add("");
        lines.Add($"  shoal get '{Markup.Escape(SafeText.Of(link.Magnet))}'");
        lines.Add("");
        return lines;
    }

    // Once: that it is put again each hour is no news.
    private void PrintPublished(TransferEvent.Published published)
    {
        _note = null;
        if (_published != published.Sequence)
        {
            _published = published.Sequence;
            Print([
                Markup.Escape(PlainTransferView.PublishedLine(published)),
                "",
                $"  shoal get '{Markup.Escape(published.Magnet)}'",
                "",
            ]);
        }
    }

    /// <summary>Lines above the picture, which stay. They may be longer than the terminal is wide.</summary>
    private void Print(List<string> lines)
    {
        Draw([]);
        _host.Out.Write(Render(lines));
        _host.Out.Flush();
    }

    private void Draw(List<string> lines)
    {
        var picture = new StringBuilder();
        // Back to the picture's first line, and clear from there to the end: one write, so nothing flickers.
        if (_drawn > 0)
        {
            picture.Append('\r').Append("\e[").Append(_drawn).Append("A\e[J");
        }

        // A line that the terminal would break in two is one more to go back over: cut it, and lose its colours.
        var width = _host.TerminalSize().Width - 1;
        picture.Append(
            Render(
                lines.ConvertAll(line =>
                    Markup.Remove(line) is var text && SafeText.Width(text) > width
                        ? Markup.Escape(SafeText.Fit(text, width))
                        : line
                )
            )
        );
        _drawn = lines.Count;
        _host.Out.Write(picture.ToString());
        _host.Out.Flush();
    }

    private static string Render(List<string> lines)
    {
        using var text = new StringWriter();
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.Yes,
                ColorSystem = Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 }
                    ? ColorSystemSupport.NoColors
                    : ColorSystemSupport.EightBit,
                Interactive = InteractionSupport.No,
                Out = new AnsiConsoleOutput(text),
            }
        );
        // Spectre breaks lines too; here none shall be.
        console.Profile.Width = short.MaxValue;
        foreach (var line in lines)
        {
            console.Write(new Markup(line));
            text.Write('\n');
        }

        return text.ToString();
    }

    private static string Escape(string? text) => Markup.Escape(SafeText.Of(text));
}
