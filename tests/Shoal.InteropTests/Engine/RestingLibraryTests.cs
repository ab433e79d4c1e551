using System.Diagnostics;
using System.Net;
using Shoal.Api;
using Shoal.Daemon;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.InteropTests;

/// <summary>
/// The daemon's library over an engine of this process. Its passes are made by hand, so that they can be counted; only that
/// torrents come to rest is waited for.
/// </summary>
public sealed class RestingLibraryTests : IAsyncLifetime
{
    private const int Count = 40;

    /// <summary>Passes in which each that rests has its turn.</summary>
    private const int Turns = 300;

    private readonly EngineFixture _fixture = new();
    private readonly VirtualTime _time = new();
    private readonly List<LibraryTorrent> _torrents = [];
    private LibraryJournal _journal = null!;
    private SettingsStore _settings = null!;
    private TorrentFiles _files = null!;
    private TorrentLibrary _library = null!;

    public async ValueTask InitializeAsync()
    {
        var folder = _fixture.Folder();
        var engine = await _fixture.Start(options => options with { UseDht = false, UsePortMapping = false });
        _journal = LibraryJournal.Open(Path.Combine(folder, "journal"), _time);
        _settings = SettingsStore.Open(Path.Combine(folder, "settings"), new Dictionary<string, object>());
        _files = new TorrentFiles(folder);
        _library = new TorrentLibrary(
            engine,
            _journal,
            _files,
            _settings,
            CategoryStore.Open(Path.Combine(folder, "categories")),
            new Nobody(),
            LibraryLimits.Default,
            _time
        );
        var additions = Enumerable.Range(0, Count).Select(Addition).ToList();
        var outcomes = await _library.AddAsync(additions);
        Assert.All(outcomes, outcome => Assert.Null(outcome.Error));
        _torrents.AddRange(outcomes.Select(outcome => _library.Find(outcome.Item!.Id)));
    }

    [Fact]
    public async Task Those_that_rest_are_looked_at_once_in_five_minutes_and_their_time_counts_to_the_second()
    {
        await RestAsync(_torrents);
        var (before, seconds) = (_library.LookCount, _torrents.ConvertAll(Seconds));
        Pass(Turns);
        Assert.Equal(Count, _library.LookCount - before);
        Assert.All(_torrents.Zip(seconds), pair => Assert.Equal(pair.Second + Turns, Seconds(pair.First)));

        // What is told of them to who asks for changes is no more than that.
        var revision = _library.Revision;
        Pass(Turns);
        Assert.InRange(_library.Revision - revision, 1, Math.Min(Count, Turns));
    }

    [Fact]
    public async Task Who_does_something_again_is_seen_with_the_next_pass()
    {
        await RestAsync(_torrents);
        Pass(10);
        var one = _torrents[7];
        one.Engine!.Pause();
        await UntilAsync(() => one.Engine.Status.State == TorrentState.Paused);
        var before = _library.LookCount;
        Pass(1);
        Assert.InRange(_library.LookCount - before, 1, 2);
        Assert.Equal(TorrentState.Paused, one.LookedState);
    }

    [Fact]
    public async Task A_limit_of_time_holds_to_the_second_though_nothing_happens()
    {
        await RestAsync(_torrents);
        var one = _torrents[11];
        Pass(50);
        const long limit = 1000;
        await _library.ChangeAsync(one, new TorrentChange { SeedTimeLimit = limit });
        await RestAsync([one]);
        var left = limit - Seconds(one);
        Pass((int)left - 1);
        Assert.False(one.Entry.Paused, $"{one.Entry.SeedingSeconds}");
        Pass(2);
        Assert.True(one.Entry.Paused, $"{one.Entry.SeedingSeconds}");
        Assert.InRange(one.Entry.SeedingSeconds, limit, limit + 1);
    }

    [Fact]
    public async Task A_clock_that_is_set_changes_nothing_of_how_long_somebody_is_slow_or_was_active()
    {
        await RestAsync(_torrents);
        await _settings.ChangeAsync(
            new Dictionary<string, System.Text.Json.JsonElement>
            {
                ["queue.seeds"] = System.Text.Json.JsonSerializer.SerializeToElement(1),
            },
            isOwner: true
        );
        await _library.RemoveAsync(_torrents[^1], deleteData: false);
        Pass(1);
        Assert.True(_torrents[1].IsQueued);
        Assert.Single(_library.RecentlyRemoved);

        _time.SetClock(TimeSpan.FromDays(1));
        Pass(30);
        Assert.True(_torrents[1].IsQueued, "slow too soon");
        Assert.Single(_library.RecentlyRemoved);
        Assert.Equal(Count - 1, _library.RecentlyActive.Count);

        _time.SetClock(TimeSpan.FromDays(-1));
        Pass(35);
        Assert.False(_torrents[1].IsQueued, "slow too late");
        Assert.Empty(_library.RecentlyRemoved);
        Assert.Empty(_library.RecentlyActive);
    }

    [Fact]
    public async Task A_setting_that_changes_is_held_against_all_of_them()
    {
        await RestAsync(_torrents);
        Pass(20);
        await _settings.ChangeAsync(
            new Dictionary<string, System.Text.Json.JsonElement>
            {
                ["queue.seed-time"] = System.Text.Json.JsonSerializer.SerializeToElement(10),
            },
            isOwner: true
        );
        Pass(1);
        Assert.All(_torrents, torrent => Assert.True(torrent.Entry.Paused));
    }

    [Fact]
    public async Task Places_in_the_queue_close_up_when_somebody_leaves()
    {
        await RestAsync(_torrents);
        await _library.RemoveAsync(_torrents[0], deleteData: false);
        Pass(1);
        Assert.Equal(Enumerable.Range(0, Count - 1), _torrents.Skip(1).Select(torrent => torrent.Item!.QueuePosition));
    }

    public async ValueTask DisposeAsync()
    {
        await _library.DisposeAsync();
        await _journal.DisposeAsync();
        _files.Dispose();
        _settings.Dispose();
        await _fixture.DisposeAsync();
    }

    private Addition Addition(int number)
    {
        var torrent = new TorrentBuilder(TorrentFormat.V1, 16 * 1024).File($"f{number}", 20_000, number).Build();
        var folder = _fixture.Write(torrent);
        return new Addition(NewTorrent.OfFile(torrent.TorrentBytes), new AddTorrent { SkipCheck = true }, folder);
    }

    private long Seconds(LibraryTorrent torrent)
    {
        _library.Item(torrent);
        return torrent.Entry.SeedingSeconds;
    }

    private void Pass(int count)
    {
        for (var i = 0; i < count; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _library.Pass();
        }
    }

    private async Task RestAsync(IReadOnlyList<LibraryTorrent> torrents)
    {
        await UntilAsync(() =>
            torrents.All(torrent => torrent.Engine is { IsAtRest: true, Status.State: TorrentState.Seeding })
        );
        Pass(3);
    }

    private async Task UntilAsync(Func<bool> condition)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < EngineFixture.Patience, "it has not come to rest");
            await Task.Delay(20, _fixture.Timeout.Token);
        }
    }

    private sealed class Nobody : IMemberTorrents
    {
        public PublicationMembership Find(string publication) => throw new IOException("no member");

        public IReadOnlyList<DnsEndPoint> PeersOf(string publication) => [];

        public void Opened(string publication, Torrent torrent) { }

        public Task ClosingAsync(string publication, Torrent torrent) => Task.CompletedTask;

        public void HeardRevoked(string publication) { }
    }
}
