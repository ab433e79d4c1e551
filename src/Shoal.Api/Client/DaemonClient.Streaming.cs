namespace Shoal.Api;

// Of docs/api.md, "Streaming".
public sealed partial class DaemonClient
{
    /// <summary>A link for a player.</summary>
    public Task<StreamLink> CreateStreamLinkAsync(string id, NewStreamLink wish, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Post,
            $"torrents/{Escape(id)}/stream-links",
            wish,
            ApiJson.Default.NewStreamLink,
            ApiJson.Default.StreamLink,
            cancel
        );
}
