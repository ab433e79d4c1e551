namespace Shoal.InteropTests;

/// <summary>A BitTorrent client as a process on a host. All configuration goes below the host's folder.</summary>
internal interface IClient
{
    string Name { get; }

    /// <summary>False if it takes pad files (BEP 47) for content, and so must find them on disk to seed a hybrid.</summary>
    bool KnowsPadFiles => true;

    /// <summary>False if it leaves out the files without content.</summary>
    bool MakesEmptyFiles => true;

    /// <summary>Offers the content that lies in <paramref name="folder"/>.</summary>
    Task<RunningClient> SeedAsync(Host host, Sample sample, string folder);

    /// <summary>
    /// Fetches into <paramref name="folder"/>, by the .torrent or by its magnet link. It is told of the peers
    /// (address:port) if it can be; the tracker knows them too.
    /// </summary>
    Task<RunningClient> GetAsync(Host host, Sample sample, bool magnet, string folder, params string[] peers);
}

/// <summary>A client at work.</summary>
/// <param name="Process">Its process.</param>
/// <param name="WaitCompleteAsync">Ends when it holds everything; fails the test if the time ends first.</param>
internal sealed record RunningClient(ClientProcess Process, Func<TimeSpan, Task> WaitCompleteAsync)
{
    /// <summary>
    /// Stops it in good order: some clients call a torrent complete while their last writes are under way, so
    /// content is compared after this.
    /// </summary>
    public Task StopAsync(int signal = Signals.Terminate) => Process.StopAsync(signal);
}
