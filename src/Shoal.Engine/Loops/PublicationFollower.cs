using System.Threading.Channels;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Drives a <see cref="PublicationWatch"/>: owns it, its clock, what is remembered, and the item that is kept.</summary>
internal sealed class PublicationFollower : IAsyncDisposable
{
    private readonly DhtLoop _dht;
    private readonly PublicationWatch _watch;
    private readonly PublicationFile _file;
    private readonly Ed25519 _ed25519;
    private readonly TimeProvider _time;
    private readonly BackgroundTasks _tasks;
    private readonly CancellationTokenSource _stop = new();

    // Only the newest is worth reading.
    private readonly Channel<PublishedVersion> _versions = Channel.CreateBounded<PublishedVersion>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest }
    );
    private volatile PublicationStatus _status = new(0, 0, null, false, false);
    private InfoHashes? _told;
    private IDisposable? _kept;
    private long _keptSequence = -1;

    /// <summary>Begins at once.</summary>
    public PublicationFollower(
        DhtLoop dht,
        PublicationName name,
        PublicationWatch watch,
        PublicationFile file,
        Ed25519 ed25519,
        TimeProvider time,
        Action<Exception> onFault
    )
    {
        (_dht, Name, _watch, _file, _ed25519, _time) = (dht, name, watch, file, ed25519, time);
        _tasks = new BackgroundTasks(onFault);
        _tasks.TryRun(RunAsync);
    }

    public PublicationName Name { get; }

    public PublicationStatus Status => _status;

    public ChannelReader<PublishedVersion> Versions => _versions.Reader;

    public string FolderFor(PublishedVersion version, string directory) => _file.FolderFor(version, directory);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _tasks.EndAsync().ConfigureAwait(false);
        _kept?.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var namesNoTorrent = false;
        if (_file.Item(_ed25519.Verify) is { } remembered)
        {
            namesNoTorrent = _watch.Take(remembered) == PublicationNews.NoTorrent;
        }

        var query = ItemQuery.Mutable(Name.Key.ToArray(), Name.Salt.ToArray());
        for (var looks = 1; ; looks++)
        {
            var done = await _dht.GetItemAsync(query, null, _stop.Token).ConfigureAwait(false);
            var news = done.Best is { } best ? _watch.Take(best) : PublicationNews.None;
            if (news != PublicationNews.None)
            {
                namesNoTorrent = news == PublicationNews.NoTorrent;
                _file.Save(_watch.Newest!);
            }

            var sequence = _watch.Newest?.Signature?.Sequence;
            var isRemembered = sequence is not null && !(done.Best?.Signature?.Sequence >= sequence);
            _status = new PublicationStatus(looks, done.Answered, sequence, isRemembered, namesNoTorrent);
            if (done.Answered > 0)
            {
                Tell();
                // BEP 46: "Both publisher and consumer should periodically put the mutable items they have active to keep
                // them alive in the DHT." Who is gone after a minute need not, unless nobody else seems to.
                if (looks > 1 || isRemembered)
                {
                    Keep();
                }
            }

            var wait = _watch.Looked(found: sequence is not null && done.Answered > 0);
            await Task.Delay(wait, _time, _stop.Token).ConfigureAwait(false);
        }
    }

    private void Tell()
    {
        if (_watch.Torrent is { } torrent && !(_told is { } told && PublicationWatch.IsSame(told, torrent)))
        {
            _told = torrent;
            _versions.Writer.TryWrite(new PublishedVersion(_watch.Sequence, torrent));
        }
    }

    private void Keep()
    {
        if (_watch.Newest is { Signature: { } signature } newest && signature.Sequence > _keptSequence)
        {
            _kept?.Dispose();
            _kept = _dht.KeepItem(newest, put: null);
            _keptSequence = signature.Sequence;
        }
    }
}
