using System.Buffers;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Where a fetcher gets its work from, and whom it tells of the outcome. Safe to use from any thread.</summary>
internal interface IWebSeedWork
{
    /// <summary>The web seed is not used any more.</summary>
    CancellationToken Closing { get; }

    /// <summary>Waits for the next run; null: none came within the patience.</summary>
    /// <param name="done">The one before it, which is over; null: none.</param>
    /// <param name="patience">How long to wait.</param>
    /// <exception cref="OperationCanceledException">It closes.</exception>
    Task<WebSeedRun?> NextAsync(WebSeedRun? done, TimeSpan patience);

    bool IsPointless(WebSeedRun run);

    /// <summary>The run's next block is whole, or cannot be had; whether it is still wanted.</summary>
    bool Complete(WebSeedRun run);

    /// <summary>A file is there.</summary>
    void Found();

    /// <summary>A file is not there. Returns why the whole web seed is of no use then; null: other files may be there.</summary>
    Task<WebSeedFailure?> MissAsync(int file, WebSeedFailure failure);
}

/// <summary>One request of a web seed at a time: fetches runs of blocks and posts each block when it is whole.</summary>
internal sealed class WebSeedFetcher : IDisposable
{
    private const int BufferBytes = 256 * 1024;
    private const long NotWaiting = long.MinValue;

    /// <summary>How long the rest of a whole file is kept open for the next blocks of it.</summary>
    private static readonly TimeSpan BodyPatience = TimeSpan.FromSeconds(5);

    private readonly IWebSeedWork _work;
    private readonly Metainfo _metainfo;
    private readonly WebSeedSource _source;
    private readonly WebSeedClient _client;
    private readonly WebSeedNetwork _network;
    private readonly RateGate _gate;
    private readonly RateTurn _turn;
    private readonly WebSeedLimits _limits;
    private readonly TimeProvider _time;
    private readonly WebSeedBlocks _blocks;
    private TaskCompletionSource<int>? _granted;
    private byte[] _buffer = [];
    private WebSeedBody? _body;
    private WebSeedRun? _run;
    private long _waitingSince = NotWaiting;
    private long _used;
    private long _wasted;

    public WebSeedFetcher(
        WebSeedLink link,
        Metainfo metainfo,
        WebSeedSource source,
        WebSeedClient client,
        WebSeedNetwork network,
        RateGate gate,
        ILinkHost host,
        WebSeedLimits limits,
        TimeProvider time
    )
    {
        _work = link;
        _blocks = new WebSeedBlocks(link, link.Handle, metainfo.Layout, host);
        (_metainfo, _source, _client, _network) = (metainfo, source, client, network);
        (_gate, _limits, _time) = (gate, limits, time);
        _turn = new RateTurn(granted => _granted!.TrySetResult(granted));
    }

    /// <summary>Runs that were fetched to their end.</summary>
    public int RunsDone { get; private set; }

    /// <summary>How long the server has owed us something that we would take.</summary>
    public TimeSpan Waiting(long now)
    {
        var since = Volatile.Read(ref _waitingSince);
        return since == NotWaiting ? TimeSpan.Zero : _time.GetElapsedTime(since, now);
    }

    /// <summary>Fetches until the web seed closes or fails.</summary>
    /// <exception cref="WebSeedException">It failed.</exception>
    /// <exception cref="OperationCanceledException">It closes.</exception>
    public async Task RunAsync()
    {
        while (true)
        {
            var patience = _body is null ? Timeout.InfiniteTimeSpan : BodyPatience;
            _run = await _work.NextAsync(_run, patience).ConfigureAwait(false);
            if (_run is null)
            {
                CloseBody();
                continue;
            }

            using (await _network.EnterAsync(_source.Url.Host, _work.Closing).ConfigureAwait(false))
            {
                await FetchAsync(_run).ConfigureAwait(false);
            }
        }
    }

    /// <summary>To be called when <see cref="RunAsync"/> has ended.</summary>
    public void Dispose()
    {
        CloseBody();
        _blocks.Dispose();
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }

    private async Task FetchAsync(WebSeedRun run)
    {
        _blocks.Begin(run);
        foreach (var part in run.Parts)
        {
            if (_work.IsPointless(run))
            {
                break;
            }

            if (part.File == FileMap.NoFile)
            {
                await _blocks.TakeZerosAsync(part.Length).ConfigureAwait(false);
            }
            else
            {
                await FetchAsync(run, part).ConfigureAwait(false);
            }
        }

        if (run.Done < run.Blocks.Count)
        {
            // Nobody wants the rest: others were faster.
            _blocks.DropBlock();
            CloseBody();
        }
        else
        {
            RunsDone++;
        }

        await _blocks.PostAsync().ConfigureAwait(false);
    }

    private async Task FetchAsync(WebSeedRun run, WebSeedPart part)
    {
        var done = 0L;
        try
        {
            while (done < part.Length && !_work.IsPointless(run))
            {
                var body = await OpenAsync(part, done).ConfigureAwait(false);
                var wanted = (int)Math.Min(part.Length - done, BufferBytes);
                var read = await ReadAsync(body, wanted).ConfigureAwait(false);
                _used += read;
                done += read;
                await _blocks.TakeAsync(_buffer.AsMemory(0, read)).ConfigureAwait(false);
                await _blocks.PostAsync().ConfigureAwait(false);
            }
        }
        catch (WebSeedException exception) when (exception.Failure.Fault == WebSeedFault.FileMissing)
        {
            CloseBody();
            var message = $"{_metainfo.Files[part.File].Path}: {exception.Failure.Message}";
            var failure = exception.Failure with { Message = message };
            if (await _work.MissAsync(part.File, failure).ConfigureAwait(false) is { } end)
            {
                throw new WebSeedException(end);
            }

            _blocks.Skip(part.Length - done);
            return;
        }

        if (_body is { } rest && (done < part.Length || !_source.IgnoresRanges || IsAtEnd(rest)))
        {
            CloseBody();
        }
    }

    /// <summary>A body whose next byte is the one wanted.</summary>
    private async Task<WebSeedBody> OpenAsync(WebSeedPart part, long done)
    {
        var at = part.From + done;
        var file = _metainfo.Files[part.File];
        if (_body is { } open && (open.File != part.File || open.Position > at))
        {
            CloseBody();
        }

        if (_body is null)
        {
            var question = new RangeQuestion(at, part.Length - done, file.Size);
            Volatile.Write(ref _waitingSince, _time.GetTimestamp());
            try
            {
                _body = await _client
                    .OpenAsync(part.File, _source.Files.PathOf(part.File), question, _work.Closing)
                    .ConfigureAwait(false);
            }
            finally
            {
                Volatile.Write(ref _waitingSince, NotWaiting);
            }

            _work.Found();
            if (_body.IsWhole && !_source.IgnoresRanges && question.Length < file.Size && file.Size > BufferBytes)
            {
                // Small files are taken whole. Of a large one the swarm must know, so that it asks for what comes next.
                throw Fail(WebSeedFault.NoRanges, "the server ignores ranges");
            }
        }

        while (_body.Position < at)
        {
            var skipped = await ReadAsync(_body, (int)Math.Min(at - _body.Position, BufferBytes)).ConfigureAwait(false);
            _wasted += skipped;
            if (_wasted > _limits.MaxWaste + _used)
            {
                throw Fail(
                    WebSeedFault.BadAnswer,
                    "the server ignores ranges, and most of what it sends is thrown away"
                );
            }
        }

        return _body;
    }

    private async Task<int> ReadAsync(WebSeedBody body, int wanted)
    {
        if (_buffer.Length == 0)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        }

        var granted = _gate.IsLimited ? await TakeTurnAsync(wanted).ConfigureAwait(false) : 0;
        var read = 0;
        try
        {
            var room = _buffer.AsMemory(0, granted > 0 ? granted : wanted);
            Volatile.Write(ref _waitingSince, _time.GetTimestamp());
            read = await body.Stream.ReadAsync(room, _work.Closing).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or SocketException or HttpRequestException)
        {
            throw Fail(WebSeedFault.Broken, exception.Message);
        }
        finally
        {
            Volatile.Write(ref _waitingSince, NotWaiting);
            if (granted > 0)
            {
                _gate.Return(granted - read);
            }
        }

        body.Position += read;
        return read > 0 ? read : throw Fail(WebSeedFault.Broken, "the answer ended too soon");
    }

    /// <summary>Waits for the rate limits.</summary>
    private async ValueTask<int> TakeTurnAsync(int wanted)
    {
        var granted = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        _granted = granted;
        var now = _gate.Take(_turn, wanted);
        if (now > 0)
        {
            return now;
        }

        // Whoever takes the turn out of the line decides who ends the wait.
        await using var _ = _work
            .Closing.UnsafeRegister(
                state =>
                {
                    if (_gate.Cancel(_turn))
                    {
                        ((TaskCompletionSource<int>)state!).TrySetCanceled();
                    }
                },
                granted
            )
            .ConfigureAwait(false);
        return await granted.Task.ConfigureAwait(false);
    }

    private bool IsAtEnd(WebSeedBody body) => body.Position >= _metainfo.Files[body.File].Size;

    private void CloseBody()
    {
        _body?.Dispose();
        _body = null;
    }

    private static WebSeedException Fail(WebSeedFault fault, string message) => new(new WebSeedFailure(fault, message));
}
