using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Asks each tracker in its own protocol. One for the whole engine.</summary>
internal sealed class TrackerClient(TrackerClientLimits limits, IEgress egress, TimeProvider time)
    : ITrackerClient,
        IAsyncDisposable
{
    private readonly HttpTrackerClient _http = new(limits, egress, time);
    private readonly UdpTrackerClient _udp = new(limits, egress, time);

    public Task<TrackerReply> AskAsync(AnnounceJob job, AnnounceRequest request, CancellationToken cancellation) =>
        job.Url.Scheme == TrackerScheme.Udp
            ? _udp.AskAsync(job, request, cancellation)
            : _http.AskAsync(job, request, cancellation);

    public async ValueTask DisposeAsync()
    {
        await _udp.DisposeAsync().ConfigureAwait(false);
        _http.Dispose();
    }
}
