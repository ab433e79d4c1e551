namespace Shoal.Engine;

/// <summary>Reads what may be longer than it should be.</summary>
public static class BoundedRead
{
    /// <summary>All of a stream; null when it is longer than the limit, in bytes.</summary>
    public static async Task<byte[]?> AllAsync(Stream stream, int limit, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var content = new MemoryStream();
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancel).ConfigureAwait(false)) > 0)
        {
            if (content.Length + read > limit)
            {
                return null;
            }

            content.Write(buffer, 0, read);
        }

        return content.ToArray();
    }
}
