using Shoal.Daemon;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>Lets players read what a command fetches.</summary>
internal static class PlayerOpening
{
    /// <param name="torrent">Its files known.</param>
    /// <param name="wants">Which of the files are fetched.</param>
    /// <param name="view">Told of the link.</param>
    /// <exception cref="UserErrorException">There is nothing to play, or no port.</exception>
    public static async Task<PlayerServer> OpenAsync(
        Torrent torrent,
        Metainfo metainfo,
        Func<MetainfoFile, bool> wants,
        ITransferView view,
        TimeProvider time
    )
    {
        var file =
            PlayerServer.FileToPlay(metainfo, wants)
            ?? throw new UserErrorException("no-such-file", $"--stream: nothing of {metainfo.Name} can be played");
        PlayerServer player;
        try
        {
            player = await PlayerServer.StartAsync(torrent, file, wants, time);
        }
        catch (IOException error)
        {
            throw new UserErrorException("cannot-listen", $"--stream: {error.Message}");
        }

        view.Show(
            new TransferEvent.Streaming(player.Url, player.Index, player.File.Path, player.File.Size, player.MediaType)
        );
        return player;
    }
}
