namespace Shoal.Engine;

/// <summary>What a download needs of the network. Tests bring their own.</summary>
internal interface IDownloadNetwork
{
    /// <summary>Connects to the host of a URL, and says whether that is in the local network.</summary>
    /// <param name="host">Name or address.</param>
    /// <param name="port">TCP.</param>
    /// <param name="whyNot">Told whether the host is local; why it must not be connected to, or null.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="IOException">No connection; the message says why.</exception>
    Task<(Stream Stream, bool IsLocal)> ConnectAsync(
        string host,
        int port,
        Func<bool, string?> whyNot,
        CancellationToken cancellation
    );
}
