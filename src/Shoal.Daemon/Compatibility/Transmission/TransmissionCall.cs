using System.Text.Json;
using System.Text.Json.Nodes;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>One call of Transmission's protocol, its names in the new spelling.</summary>
/// <param name="Method">For example torrent_get.</param>
/// <param name="Arguments">Of it.</param>
/// <param name="IsOld">The caller speaks the protocol of version 4.0 or earlier.</param>
internal sealed record TransmissionCall(
    string Method,
    JsonObject Arguments,
    bool IsOld,
    DaemonServices Services,
    Caller Caller
)
{
    public TorrentLibrary Library => Services.Library;

    /// <summary>Folders that the caller may name; null: any.</summary>
    public IReadOnlyList<string>? AllowedFolders => Caller.IsOwner ? null : Services.Settings.Current.AllowedFolders;

    public bool Has(string name) => Arguments.ContainsKey(name);

    public string? Text(string name) => Value(name, JsonValueKind.String, value => value.GetValue<string>());

    public bool? Flag(string name) =>
        Arguments[name] switch
        {
            null => null,
            // transmission-remote sends numbers too.
            JsonValue value when value.TryGetValue<bool>(out var flag) => flag,
            JsonValue value when value.TryGetValue<long>(out var number) => number != 0,
            _ => throw Wrong(name),
        };

    public double? Number(string name) =>
        Arguments[name] switch
        {
            null => null,
            JsonValue value
                when value.GetValueKind() == JsonValueKind.Number && double.IsFinite(value.GetValue<double>()) =>
                value.GetValue<double>(),
            _ => throw Wrong(name),
        };

    public long? Whole(string name) =>
        Number(name) is { } number
            ? number is >= -1e15 and <= 1e15
                ? (long)number
                : throw Wrong(name)
            : null;

    public IReadOnlyList<int>? Numbers(string name) =>
        List(name)
            ?.Select(item =>
                item is JsonValue value && value.TryGetValue<int>(out var number) ? number : throw Wrong(name)
            )
            .ToList();

    public IReadOnlyList<string>? Texts(string name) =>
        List(name)
            ?.Select(item =>
                item is JsonValue value && value.TryGetValue<string>(out var text) ? text : throw Wrong(name)
            )
            .ToList();

    /// <summary>Values of any kind; one that is no list counts as a list of one.</summary>
    public IReadOnlyList<JsonNode?>? List(string name) =>
        Arguments[name] switch
        {
            null => null,
            JsonArray list => [.. list],
            var single => [single],
        };

    /// <summary>The torrents that ids names; all where it is left out. Those that are not there are left out.</summary>
    public IReadOnlyList<LibraryTorrent> Torrents()
    {
        if (List("ids") is not { } ids)
        {
            return Library.All;
        }

        if (
            ids is [JsonValue single]
            && single.TryGetValue<string>(out var word)
            && TransmissionNames.ToNew(word) == "recently_active"
        )
        {
            return Library.RecentlyActive;
        }

        // Named twice, told once.
        var numbers = Library.All.ToDictionary(torrent => torrent.Number);
        var found = new HashSet<LibraryTorrent>();
        foreach (var id in ids)
        {
            var torrent = id is JsonValue value
                ? value.TryGetValue<int>(out var number)
                    ? numbers.GetValueOrDefault(number)
                    : value.TryGetValue<string>(out var hash)
                        ? Library.TryFindExact(hash)
                        : throw Wrong("ids")
                : throw Wrong("ids");
            if (torrent is not null)
            {
                found.Add(torrent);
            }
        }

        return [.. found];
    }

    /// <exception cref="ApiException">The caller may not do that.</exception>
    public void Need(AccessScope scope)
    {
        if (Caller.Scope is not { } has || has < scope)
        {
            throw new ApiException(
                403,
                "scope",
                $"this needs a token with the scope {JsonNamingPolicy.KebabCaseLower.ConvertName(scope.ToString())}"
            );
        }
    }

    private T? Value<T>(string name, JsonValueKind kind, Func<JsonNode, T> read)
        where T : class =>
        Arguments[name] is not { } value ? null
        : value.GetValueKind() == kind ? read(value)
        : throw Wrong(name);

    private static ApiException Wrong(string name) => ApiException.Bad(name, $"{name}: not a value of its kind");
}
