using System.Collections.Concurrent;
using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

public sealed class AnnounceLoopTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private sealed class FakeClient(Func<AnnounceJob, CancellationToken, Task<TrackerReply>> answer) : ITrackerClient
    {
        public ConcurrentQueue<(AnnounceJob Job, AnnounceRequest Request)> Asked { get; } = new();

        public Task<TrackerReply> AskAsync(AnnounceJob job, AnnounceRequest request, CancellationToken cancellation)
        {
            Asked.Enqueue((job, request));
            return answer(job, cancellation);
        }
    }

    private sealed class Told
    {
        public TaskCompletionSource<CandidateBatch> Found { get; } = new();
        public TaskCompletionSource<string> Failed { get; } = new();
    }

    private static AnnounceLoop Create(ITrackerClient client, Told told, params string[] urls)
    {
        var options = new AnnounceScheduleOptions
        {
            Tiers = [.. urls.Select(url => (IReadOnlyList<TrackerUrl>)[Parse(url)])],
            InfoHashes = [AnnounceScript.V1],
            Origins = [IPAddress.Any],
            Seed = 1,
        };
        var listener = new AnnounceListener(
            () => new AnnounceFacts(new PeerId("-SH0001-abcdefghijkl"u8), 6881, 1, 2, 3, 4),
            batch => told.Found.TrySetResult(batch),
            (_, _) => { },
            (url, message) => told.Failed.TrySetResult($"{url}: {message}")
        );
        return new AnnounceLoop(options, client, listener, TimeProvider.System);
    }

    private static TrackerUrl Parse(string url)
    {
        Assert.True(TrackerUrl.TryParse(url, out var parsed));
        return parsed;
    }

    [Fact]
    public async Task PeersArePostedAndTheEndIsTold()
    {
        var answer = AnnounceScript.Good with
        {
            Seeds = 1,
            Leeches = 2,
            Peers = [new IPEndPoint(IPAddress.Loopback, 5)],
        };
        var client = new FakeClient((_, _) => Task.FromResult(TrackerReply.From(answer)));
        var told = new Told();
        await using var loop = Create(client, told, "udp://a:1");
        Assert.Null(loop.Status[0].IsWorking);
        loop.Start();
        var batch = await told.Found.Task.WaitAsync(Patience);
        Assert.Equal((answer.Peers, PeerSource.Tracker), (batch.EndPoints, batch.Source));
        await loop.StopAsync(Patience);
        Assert.Equal([AnnounceEvent.Started, AnnounceEvent.Stopped], client.Asked.Select(asked => asked.Request.Event));
        var (_, request) = client.Asked.First();
        Assert.Equal(
            (6881, 1L, 2L, 3L, 4u),
            (request.Port, request.Uploaded, request.Downloaded, request.Left, request.Key)
        );
        Assert.Equal(0, client.Asked.Last().Request.Wanted);
    }

    [Fact]
    public async Task CompletedIsToldAndShownInTheStatus()
    {
        var completed = new TaskCompletionSource();
        var client = new FakeClient(
            (job, _) =>
            {
                if (job.Event == AnnounceEvent.Completed)
                {
                    completed.TrySetResult();
                }

                return Task.FromResult(
                    TrackerReply.From(AnnounceScript.Good with { Peers = [new(IPAddress.Loopback, 5)] })
                );
            }
        );
        var told = new Told();
        await using var loop = Create(client, told, "http://a/announce");
        loop.Start();
        await told.Found.Task.WaitAsync(Patience);
        loop.Completed();
        await completed.Task.WaitAsync(Patience);
        Assert.True(loop.Status[0].IsWorking);
    }

    [Fact]
    public async Task FailuresAreTold()
    {
        var client = new FakeClient((_, _) => Task.FromResult(TrackerReply.Failed(TrackerFailure.Timeout, "late")));
        var told = new Told();
        await using var loop = Create(client, told, "http://a/announce");
        loop.Start();
        Assert.Equal("http://a/announce: late", await told.Failed.Task.WaitAsync(Patience));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnExchangeThatSomebodyElseEndedIsAFailureAndTheNextTrackerIsAsked(bool isDisposed)
    {
        // As where an interface went away and came back: what waits at the old socket is cancelled.
        var client = new FakeClient(
            (job, _) =>
                job.Url.Host == "b" ? Task.FromResult(TrackerReply.From(Found))
                : isDisposed ? Task.FromException<TrackerReply>(new ObjectDisposedException("socket"))
                : Task.FromCanceled<TrackerReply>(new CancellationToken(canceled: true))
        );
        var told = new Told();
        await using var loop = Create(client, told, "udp://a:1", "udp://b:1");
        loop.Start();
        Assert.StartsWith("udp://a:1", await told.Failed.Task.WaitAsync(Patience), StringComparison.Ordinal);
        await told.Found.Task.WaitAsync(Patience);
        await loop.StopAsync(Patience);
    }

    private static AnnounceAnswer Found => AnnounceScript.Good with { Peers = [new IPEndPoint(IPAddress.Loopback, 5)] };

    [Fact]
    public async Task TheEndDoesNotWaitForSilentTrackers()
    {
        var asked = new TaskCompletionSource();
        var client = new FakeClient(
            (_, cancellation) =>
            {
                asked.TrySetResult();
                return new TaskCompletionSource<TrackerReply>().Task.WaitAsync(cancellation);
            }
        );
        var loop = Create(client, new Told(), "http://a/announce", "http://b/announce");
        loop.Start();
        await asked.Task.WaitAsync(Patience);
        await loop.StopAsync(TimeSpan.FromMilliseconds(1)).WaitAsync(Patience);
        Assert.Equal(AnnounceEvent.Stopped, client.Asked.Last().Request.Event);
        await loop.DisposeAsync();
    }

    [Fact]
    public async Task WhatNeverBeganEndsAtOnce()
    {
        var client = new FakeClient((_, _) => Task.FromResult(default(TrackerReply)));
        await using var loop = Create(client, new Told(), "http://a/announce");
        await loop.StopAsync(Patience);
        Assert.Empty(client.Asked);
    }
}
