using Shoal.Protocol;

namespace Shoal.Engine;

// What a magnet link did not bring.
internal sealed partial class TorrentRunner
{
    private bool _hasMetadata;

    /// <summary>
    /// The metadata of a magnet link came in, and its hashes are right. Only the first counts: while what a former run kept is being
    /// opened, a peer that calls may send it too, and two disks in one folder would spoil it.
    /// </summary>
    private async Task TakeMetadataAsync(byte[] infoBytes)
    {
        if (Interlocked.Exchange(ref _hasMetadata, true))
        {
            return;
        }

        if (
            !MetainfoReader.TryReadInfo(
                infoBytes,
                InfoHashes,
                MetainfoLimits.Default,
                [.. (_magnet?.Trackers ?? []).Select(url => (IReadOnlyList<string>)[url])],
                _magnet?.WebSeeds ?? [],
                out var metainfo,
                out var error
            )
        )
        {
            // The hash is that of the link: whoever made the torrent made it so, and no other peer has a better one.
            Fail(error.Message);
            return;
        }

        if (WhyNotByLink(metainfo) is { } reason)
        {
            Fail(reason);
            return;
        }

        try
        {
            if (_magnet is { SelectedFiles.Count: > 0 } magnet)
            {
                _selected = [.. metainfo.Files.Where((_, index) => magnet.IsSelected(index))];
            }

            Choose(metainfo);
            var resume = await OpenDiskAsync(metainfo).ConfigureAwait(false);
            Metainfo = metainfo;
            InfoHashes = metainfo.InfoHashes;
            _onNamed(this);
            _sources.TakeMetadata(metainfo);
            _metadataKnown.TrySetResult(metainfo);
            Tell(new EngineEvent.MetadataKnown(Torrent, metainfo));
            _loop.Post([new SwarmEvent(SwarmEventKind.MetadataReady, Payload: metainfo), .. resume]);
            StartWebSeeds(metainfo);
            SaveWhatIsKnown();
        }
        catch (StorageException exception)
        {
            Fail(exception.Message);
        }
    }
}
