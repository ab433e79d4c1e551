using System.Net.Http.Headers;

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

    /// <summary>The content of a file from a place on, as it comes in; what is read next is fetched first. Needs no link.</summary>
    /// <param name="id">The torrent.</param>
    /// <param name="file">The index of the file.</param>
    /// <param name="from">First byte; below its size.</param>
    /// <param name="cancel">Gives up.</param>
    public async Task<Stream> OpenStreamAsync(string id, int file, long from, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"stream/{Escape(id)}/{file}");
        if (from > 0)
        {
            request.Headers.Range = new RangeHeaderValue(from, null);
        }

        // The stream keeps the answer alive, and ends it.
        var response = await SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
        return await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
    }
}
