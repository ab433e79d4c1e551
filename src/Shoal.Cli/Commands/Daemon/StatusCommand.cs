using System.CommandLine;
using Shoal.Api;

namespace Shoal.Cli;

/// <summary>Shows how the daemon is, or one torrent.</summary>
internal static class StatusCommand
{
    public static Command Build(CliHost host)
    {
        var torrent = DaemonAccess.Torrent();
        torrent.Arity = ArgumentArity.ZeroOrOne;
        torrent.Description = "One torrent instead of the daemon: its name, its id, or the beginning of its id";
        var command = new ShoalCommand("status", "Show how the daemon is, or everything of one torrent")
        {
            Examples = [new("The daemon", "shoal status"), new("A torrent", "shoal status holiday")],
        };
        command.Add(torrent);
        var daemon = new DaemonAccess(host, command);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        if (result.GetValue(torrent) is { } name)
                        {
                            var id = (await DaemonAccess.ResolveAsync(client, [name], cancel))[0];
                            Show(await client.TorrentAsync(id, cancel), output);
                        }
                        else
                        {
                            Show(await client.StatusAsync(cancel), output);
                        }

                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static void Show(DaemonStatus status, DaemonOutput output)
    {
        if (output.IsJson)
        {
            output.Json("status", status, ApiJson.Default.DaemonStatus);
            return;
        }

        output.Line(
            $"Shoal {status.Version}, {TorrentText.Count(status.Torrents, "torrent")}{(status.Loaded ? "" : " (still opening them)")}"
        );
        output.Line(
            $"  {status.Downloading} downloading, {status.Seeding} seeding, {status.Paused} paused, {status.Failed} failed"
        );
        output.Line(
            $"  down {Rate.Format(status.DownloadRate)}{Limit(status.DownloadLimit)}, up {Rate.Format(status.UploadRate)}{Limit(status.UploadLimit)}, {TorrentText.Count(status.Peers, "peer")}"
        );
        output.Line(
            $"  peers reach port {status.Port}{(status.ExternalAddresses.Count > 0 ? " at " + string.Join(", ", status.ExternalAddresses) : "")}"
        );
        output.Line(
            $"  content goes to {status.DownloadDirectory}{(status.FreeSpace is { } free ? $", {ByteSize.Format(free)} free" : "")}"
        );
        if (status.Urls.Count > 0)
        {
            output.Line($"  web page: {string.Join(", ", status.Urls)}");
        }

        if (status.StateProblem is { } problem)
        {
            output.Line($"  the state folder cannot be written, changes will be lost: {problem}");
        }
    }

    private static void Show(TorrentDetails details, DaemonOutput output)
    {
        if (output.IsJson)
        {
            output.Json("torrent-details", details, ApiJson.Default.TorrentDetails);
            return;
        }

        var item = details.Torrent;
        output.Line(item.Name);
        output.Line(
            $"  {ListCommand.Word(item.State)}, {DaemonOutput.Percent(item.Progress)} of {ByteSize.Format(item.WantedSize)}{(item.SecondsLeft is { } left ? $", {Duration.Format(TimeSpan.FromSeconds(left))} left" : "")}"
        );
        if (item.Error is { } error)
        {
            output.Line($"  {error}");
        }

        output.Line(
            $"  down {Rate.Format(item.DownloadRate)}{Limit(item.DownloadLimit)}, up {Rate.Format(item.UploadRate)}{Limit(item.UploadLimit)}, {TorrentText.Count(item.Peers, "peer")}, {TorrentText.Count(item.Seeds, "seed")}"
        );
        output.Line(
            $"  received {ByteSize.Format(item.Downloaded)}, sent {ByteSize.Format(item.Uploaded)}, ratio {item.Ratio:0.00}"
        );
        output.Line($"  in {item.SaveDirectory}{(item.MovingTo is { } to ? $", being moved to {to}" : "")}");
        output.Line(
            $"  {details.Format ?? "unknown"}, {TorrentText.Count(details.Files, "file")}, {details.PiecesDone} of {TorrentText.Count(details.Pieces, "piece")} of {ByteSize.Format(details.PieceLength)}"
        );
        if (item.Category is not null || item.Labels.Count > 0)
        {
            output.Line($"  {string.Join(", ", item.Labels.Prepend(item.Category).OfType<string>())}");
        }

        output.Line($"  {details.Magnet}");
    }

    private static string Limit(long limit) => limit > 0 ? $" (limit {Rate.Format(limit)})" : "";
}
