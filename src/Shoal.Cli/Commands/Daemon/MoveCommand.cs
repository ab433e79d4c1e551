using System.CommandLine;
using Shoal.Api;

namespace Shoal.Cli;

/// <summary>Moves the content of a torrent.</summary>
internal static class MoveCommand
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    public static Command Build(CliHost host)
    {
        var torrent = DaemonAccess.Torrent();
        var folder = new Argument<string>("DIR")
        {
            Description = "The folder to move it to: a torrent named x will lie at DIR/x",
        };
        var keep = Options.Flag("--keep-files", "Move nothing: the content is there already; it is hashed");
        var noWait = Options.Flag("--no-wait", "Return when it has begun");
        var command = new ShoalCommand("move", "Move the content of a torrent to another folder while it goes on")
        {
            Examples =
            [
                new("To another disk", "shoal move holiday /mnt/big"),
                new("It was moved by hand", "shoal move holiday /mnt/big --keep-files"),
            ],
        };
        command.Add(torrent);
        command.Add(folder);
        var daemon = new DaemonAccess(host, command, keep, noWait);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var given = result.GetRequiredValue(folder);
                        var target = daemon.IsLocal(result) ? CliPath.Full(given) : given;
                        var id = (await DaemonAccess.ResolveAsync(client, [result.GetRequiredValue(torrent)], cancel))[
                            0
                        ];
                        var item = await client.MoveAsync(id, new MoveTorrent(target, result.GetValue(keep)), cancel);
                        using var timer = new PeriodicTimer(Look, host.Time);
                        while (
                            item.MovingTo is not null
                            && !result.GetValue(noWait)
                            && await timer.WaitForNextTickAsync(cancel)
                        )
                        {
                            item = (await client.TorrentAsync(id, cancel)).Torrent;
                        }

                        if (item.MovingTo is null && item.Error is { } error)
                        {
                            throw new UserErrorException("cannot-move", $"{item.Name}: {error}");
                        }

                        output.Say(
                            "moved",
                            item,
                            ApiJson.Default.TorrentItem,
                            () =>
                                item.MovingTo is { } to
                                    ? $"Moving {item.Name} to {to}"
                                    : $"{item.Name} is in {item.SaveDirectory}"
                        );
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }
}
