using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>How torrents are added.</summary>
internal static class AddingEndpoints
{
    /// <summary>Torrents of one call that are read, or fetched from their URLs, at once.</summary>
    private const int Readers = 4;

    public static IReadOnlyList<ApiRoute> Routes { get; } =
    [
        new("POST", "/torrents", AccessScope.Control, "Adds a torrent by file, link, URL or infohash.", AddAsync)
        {
            Body = ApiJson.Default.AddTorrent,
            Answer = ApiJson.Default.TorrentItem,
            Status = 201,
            MaxBody = ApiLimits.MaxUpload,
        },
        new(
            "POST",
            "/torrents/batch",
            AccessScope.Control,
            "Adds several torrents, each as if it were the only one, and says of each what became of it.",
            AddManyAsync
        )
        {
            Body = ApiJson.Default.AddTorrents,
            Answer = ApiJson.Default.AddedTorrents,
            MaxBody = ApiLimits.MaxForm,
        },
    ];

    private static async Task AddAsync(ApiCall call)
    {
        var wish = await call.ReadAsync(ApiJson.Default.AddTorrent).ConfigureAwait(false);
        var item = await call
            .Library.AddAsync(await AdditionAsync(call, wish).ConfigureAwait(false))
            .ConfigureAwait(false);
        call.Context.Response.Headers.Location = $"torrents/{item.Id}";
        await call.WriteAsync(item, ApiJson.Default.TorrentItem, 201).ConfigureAwait(false);
    }

    private static async Task AddManyAsync(ApiCall call)
    {
        var body = await call.ReadAsync(ApiJson.Default.AddTorrents).ConfigureAwait(false);
        var wishes = ApiException.Whole("torrents", body.Torrents);
        if (wishes.Count > ApiLimits.MaxAdditions)
        {
            throw ApiException.Bad("torrents", $"torrents: more than {ApiLimits.MaxAdditions}");
        }

        var sources = new (Addition? Addition, ApiException? Error)[wishes.Count];
        await Parallel
            .ForAsync(
                0,
                wishes.Count,
                new ParallelOptions { MaxDegreeOfParallelism = Readers, CancellationToken = call.Aborted },
                async (i, _) => sources[i] = await TryAdditionAsync(call, wishes[i]).ConfigureAwait(false)
            )
            .ConfigureAwait(false);
        var additions = sources.Select(source => source.Addition).OfType<Addition>().ToList();
        var outcomes = new Queue<AdditionOutcome>(await call.Library.AddAsync(additions).ConfigureAwait(false));
        var items = sources.Select(source =>
            source.Error is { } error ? new AdditionOutcome(null, error) : outcomes.Dequeue()
        );
        var answer = new AddedTorrents
        {
            Items =
            [
                .. items.Select(outcome => new AddedTorrent
                {
                    Torrent = outcome.Item,
                    Problem = outcome.Error is { } error ? Problems.Of(error) : null,
                }),
            ],
        };
        await call.WriteAsync(answer, ApiJson.Default.AddedTorrents).ConfigureAwait(false);
    }

    private static async Task<(Addition?, ApiException?)> TryAdditionAsync(ApiCall call, AddTorrent wish)
    {
        try
        {
            return (await AdditionAsync(call, wish).ConfigureAwait(false), null);
        }
        catch (ApiException error)
        {
            return (null, error);
        }
    }

    private static async Task<Addition> AdditionAsync(ApiCall call, AddTorrent wish)
    {
        var folder = call.Library.FolderFor(wish.SaveDirectory, wish.Category, call.AllowedFolders);
        return new Addition(await SourceAsync(call, wish).ConfigureAwait(false), wish, folder);
    }

    /// <summary>What a caller sends or names.</summary>
    /// <exception cref="ApiException">It is no torrent, or cannot be fetched.</exception>
    public static async Task<NewTorrent> SourceAsync(ApiCall call, AddTorrent wish)
    {
        if (new[] { wish.Source, wish.Metainfo, wish.Entry }.Count(given => given is not null) != 1)
        {
            throw ApiException.Bad("source", "exactly one of source, metainfo and entry is needed");
        }

        if (wish.Publication is { } publication)
        {
            return await OfMembersAsync(call, wish, publication).ConfigureAwait(false);
        }

        if (wish.Entry is not null)
        {
            throw ApiException.Bad("publication", "publication: entry is one of the catalogue of which publication?");
        }

        return wish.Metainfo is { } base64
            ? NewTorrent.OfFile(FromBase64(base64))
            : await NewTorrent
                .OfSourceAsync(wish.Source!, call.Services.Network, call.Caller.IsOwner, call.Aborted)
                .ConfigureAwait(false);
    }

    private static async Task<NewTorrent> OfMembersAsync(ApiCall call, AddTorrent wish, string publication)
    {
        var membership = call.Services.Memberships.Get(publication);
        return wish switch
        {
            { Entry: { } entry } => await MembershipBook
                .ReadAsync(membership, entry, call.Aborted)
                .ConfigureAwait(false),
            { Metainfo: { } base64 } => NewTorrent.OfFile(FromBase64(base64)).For(membership.Publication),
            _ => throw ApiException.Bad("source", "source: members are asked by entry or metainfo, not by a link"),
        };
    }

    private static byte[] FromBase64(string text)
    {
        try
        {
            return Convert.FromBase64String(text);
        }
        catch (FormatException)
        {
            throw ApiException.Bad("metainfo", "metainfo: this is not base64");
        }
    }
}
