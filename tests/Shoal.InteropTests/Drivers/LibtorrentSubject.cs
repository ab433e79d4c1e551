namespace Shoal.InteropTests;

/// <summary>libtorrent in the place of Shoal.</summary>
internal sealed class LibtorrentSubject : ISubject
{
    private readonly LibtorrentClient _client = new();

    public string Name => _client.Name;

    public Task<Sample> CreateAsync(string file, string content, string format) =>
        Sample.CreateAsync(file, content, format);

    public Task<RunningClient> SeedAsync(Host host, Sample sample, string folder) =>
        _client.SeedAsync(host, sample, folder);

    public Task<RunningClient> GetAsync(Host host, Sample sample, bool magnet, string folder, params string[] peers) =>
        _client.GetAsync(host, sample, magnet, folder, peers);
}
