using Shoal.Api;

namespace Shoal.Cli;

/// <summary>Gives torrents to the daemon, many in a call, so that it saves them together.</summary>
/// <param name="client">The daemon.</param>
/// <param name="added">Told of each that it has.</param>
internal sealed class AdditionBatch(DaemonClient client, Action<TorrentItem> added)
{
    /// <summary>Torrents in a call; the daemon takes 1,000.</summary>
    private const int MaxCount = 500;

    /// <summary>Characters of .torrent files in a call; the daemon takes 32 MiB of everything. One alone may have more.</summary>
    private const int MaxCharacters = 16 * 1024 * 1024;

    private readonly List<string> _names = [];
    private readonly List<AddTorrent> _wishes = [];
    private int _characters;
    private (string Name, Problem Problem)? _first;
    private int _refused;

    /// <param name="name">What the user called it.</param>
    public async Task AddAsync(string name, AddTorrent wish, CancellationToken cancel)
    {
        var characters = wish.Metainfo?.Length ?? 0;
        if (_wishes.Count == MaxCount || _wishes.Count > 0 && _characters + characters > MaxCharacters)
        {
            await SendAsync(cancel);
        }

        _names.Add(name);
        _wishes.Add(wish);
        _characters += characters;
    }

    /// <summary>Sends what has not been sent yet.</summary>
    /// <exception cref="UserErrorException">Not all were added.</exception>
    public async Task EndAsync(CancellationToken cancel)
    {
        await SendAsync(cancel);
        if (_first is var (name, problem))
        {
            var others = _refused > 1 ? $" (and {_refused - 1} others were refused)" : "";
            throw new UserErrorException(problem.Code, $"{name}: {problem.Detail}{others}");
        }
    }

    private async Task SendAsync(CancellationToken cancel)
    {
        if (_wishes.Count == 0)
        {
            return;
        }

        var answer = await client.AddAsync(new AddTorrents(_wishes), cancel);
        for (var i = 0; i < answer.Items.Count; i++)
        {
            if (answer.Items[i].Torrent is { } item)
            {
                added(item);
            }
            else if (answer.Items[i].Problem is { } problem)
            {
                _first ??= (_names[i], problem);
                _refused++;
            }
        }

        _names.Clear();
        _wishes.Clear();
        _characters = 0;
    }
}
