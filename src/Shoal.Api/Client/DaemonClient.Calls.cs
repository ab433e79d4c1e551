using System.Globalization;
using System.Text.Json;

namespace Shoal.Api;

// One method for each call of docs/api.md.
public sealed partial class DaemonClient
{
    private static readonly HttpMethod Patch = HttpMethod.Patch;

    public Task<DaemonStatus> StatusAsync(CancellationToken cancel) =>
        GetAsync("status", ApiJson.Default.DaemonStatus, cancel);

    /// <param name="since">The revision of an earlier answer: only what changed since.</param>
    /// <param name="filter">What must match: name=..., label=..., category=..., state=...; null: all.</param>
    public Task<TorrentPage> TorrentsAsync(
        long? since,
        CancellationToken cancel,
        int offset = 0,
        int? limit = null,
        string? filter = null
    )
    {
        var query = string.Create(CultureInfo.InvariantCulture, $"torrents?offset={offset}");
        query += since is { } revision ? string.Create(CultureInfo.InvariantCulture, $"&since={revision}") : "";
        query += limit is { } most ? string.Create(CultureInfo.InvariantCulture, $"&limit={most}") : "";
        return GetAsync(query + (filter is null ? "" : "&" + filter), ApiJson.Default.TorrentPage, cancel);
    }

    public Task<TorrentItem> AddAsync(AddTorrent torrent, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Post,
            "torrents",
            torrent,
            ApiJson.Default.AddTorrent,
            ApiJson.Default.TorrentItem,
            cancel
        );

    /// <summary>One call for several torrents, of which some may be refused.</summary>
    public Task<AddedTorrents> AddAsync(AddTorrents torrents, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Post,
            "torrents/batch",
            torrents,
            ApiJson.Default.AddTorrents,
            ApiJson.Default.AddedTorrents,
            cancel
        );

    public Task<TorrentDetails> TorrentAsync(string id, CancellationToken cancel) =>
        GetAsync("torrents/" + Escape(id), ApiJson.Default.TorrentDetails, cancel);

    public Task<TorrentItem> ChangeAsync(string id, TorrentChange change, CancellationToken cancel) =>
        CallAsync(
            Patch,
            "torrents/" + Escape(id),
            change,
            ApiJson.Default.TorrentChange,
            ApiJson.Default.TorrentItem,
            cancel
        );

    /// <summary>Begins to move; <see cref="TorrentItem.MovingTo"/> is null when it has ended.</summary>
    public Task<TorrentItem> MoveAsync(string id, MoveTorrent move, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Post,
            $"torrents/{Escape(id)}/move",
            move,
            ApiJson.Default.MoveTorrent,
            ApiJson.Default.TorrentItem,
            cancel
        );

    public Task RemoveAsync(string id, bool data, CancellationToken cancel) =>
        CallAsync(HttpMethod.Delete, $"torrents/{Escape(id)}?data={(data ? "true" : "false")}", null, cancel);

    /// <summary>One call for any number of torrents.</summary>
    public Task<BatchResult> DoAsync(BatchAction action, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Post,
            "torrents/actions",
            action,
            ApiJson.Default.BatchAction,
            ApiJson.Default.BatchResult,
            cancel
        );

    public Task<FileList> FilesAsync(string id, CancellationToken cancel) =>
        GetAsync($"torrents/{Escape(id)}/files", ApiJson.Default.FileList, cancel);

    public Task<FileList> ChangeFilesAsync(string id, FileChange change, CancellationToken cancel) =>
        CallAsync(
            Patch,
            $"torrents/{Escape(id)}/files",
            change,
            ApiJson.Default.FileChange,
            ApiJson.Default.FileList,
            cancel
        );

    /// <summary>What a torrent holds; nothing is added.</summary>
    public Task<TorrentPreview> PreviewAsync(AddTorrent torrent, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Post,
            "torrents/preview",
            torrent,
            ApiJson.Default.AddTorrent,
            ApiJson.Default.TorrentPreview,
            cancel
        );

    /// <summary>Begins to make a torrent; <see cref="CreationAsync"/> tells how far it is.</summary>
    public Task<CreationItem> CreateAsync(NewCreation wish, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Post,
            "creations",
            wish,
            ApiJson.Default.NewCreation,
            ApiJson.Default.CreationItem,
            cancel
        );

    public Task<CreationItem> CreationAsync(string id, CancellationToken cancel) =>
        GetAsync("creations/" + Escape(id), ApiJson.Default.CreationItem, cancel);

    public Task<CreationList> CreationsAsync(CancellationToken cancel) =>
        GetAsync("creations", ApiJson.Default.CreationList, cancel);

    /// <summary>Gives one up that is being made, or forgets it.</summary>
    public Task RemoveCreationAsync(string id, CancellationToken cancel) =>
        CallAsync(HttpMethod.Delete, "creations/" + Escape(id), null, cancel);

    public Task<PeerList> PeersAsync(string id, CancellationToken cancel) =>
        GetAsync($"torrents/{Escape(id)}/peers", ApiJson.Default.PeerList, cancel);

    public Task<PeerList> AddPeersAsync(string id, AddPeers peers, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Post,
            $"torrents/{Escape(id)}/peers",
            peers,
            ApiJson.Default.AddPeers,
            ApiJson.Default.PeerList,
            cancel
        );

    public Task<TrackerList> TrackersAsync(string id, CancellationToken cancel) =>
        GetAsync($"torrents/{Escape(id)}/trackers", ApiJson.Default.TrackerList, cancel);

    public Task<TrackerList> SetTrackersAsync(string id, TrackerChange change, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Put,
            $"torrents/{Escape(id)}/trackers",
            change,
            ApiJson.Default.TrackerChange,
            ApiJson.Default.TrackerList,
            cancel
        );

    public Task<PieceMap> PiecesAsync(string id, CancellationToken cancel) =>
        GetAsync($"torrents/{Escape(id)}/pieces", ApiJson.Default.PieceMap, cancel);

    /// <summary>The .torrent file.</summary>
    public Task<byte[]> MetainfoAsync(string id, CancellationToken cancel) =>
        ReadAsync($"torrents/{Escape(id)}/metainfo", cancel);

    public Task<CategoryList> CategoriesAsync(CancellationToken cancel) =>
        GetAsync("categories", ApiJson.Default.CategoryList, cancel);

    /// <summary>Makes it, or replaces the one of its name.</summary>
    public Task<CategoryList> SetCategoryAsync(CategoryItem category, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Put,
            "categories",
            category,
            ApiJson.Default.CategoryItem,
            ApiJson.Default.CategoryList,
            cancel
        );

    public Task RemoveCategoryAsync(string name, CancellationToken cancel) =>
        CallAsync(HttpMethod.Delete, "categories?name=" + Escape(name), null, cancel);

    public Task<FeedList> FeedsAsync(CancellationToken cancel) => GetAsync("feeds", ApiJson.Default.FeedList, cancel);

    /// <summary>Makes it, or changes the one of its URL.</summary>
    public Task<FeedList> SetFeedAsync(FeedItem feed, CancellationToken cancel) =>
        CallAsync(HttpMethod.Put, "feeds", feed, ApiJson.Default.FeedItem, ApiJson.Default.FeedList, cancel);

    public Task RemoveFeedAsync(string url, CancellationToken cancel) =>
        CallAsync(HttpMethod.Delete, "feeds?url=" + Escape(url), null, cancel);

    public Task CheckFeedsAsync(CancellationToken cancel) => CallAsync(HttpMethod.Post, "feeds/check", null, cancel);

    public Task<FeedEntryList> FeedEntriesAsync(string url, CancellationToken cancel) =>
        GetAsync("feeds/entries?url=" + Escape(url), ApiJson.Default.FeedEntryList, cancel);

    public Task<FeedRuleList> FeedRulesAsync(CancellationToken cancel) =>
        GetAsync("feed-rules", ApiJson.Default.FeedRuleList, cancel);

    /// <summary>Makes it, or changes the one of its name.</summary>
    public Task<FeedRuleList> SetFeedRuleAsync(FeedRule rule, CancellationToken cancel) =>
        CallAsync(HttpMethod.Put, "feed-rules", rule, ApiJson.Default.FeedRule, ApiJson.Default.FeedRuleList, cancel);

    /// <summary>These rules are asked first, in this order.</summary>
    public Task<FeedRuleList> OrderFeedRulesAsync(FeedRuleOrder order, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Put,
            "feed-rules/order",
            order,
            ApiJson.Default.FeedRuleOrder,
            ApiJson.Default.FeedRuleList,
            cancel
        );

    /// <summary>What a rule would take of what is in the feeds now.</summary>
    public Task<FeedEntryList> MatchingEntriesAsync(FeedRule rule, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Post,
            "feed-rules/matches",
            rule,
            ApiJson.Default.FeedRule,
            ApiJson.Default.FeedEntryList,
            cancel
        );

    public Task RemoveFeedRuleAsync(string name, CancellationToken cancel) =>
        CallAsync(HttpMethod.Delete, "feed-rules?name=" + Escape(name), null, cancel);

    public Task<MembershipList> MembershipsAsync(CancellationToken cancel) =>
        GetAsync("memberships", ApiJson.Default.MembershipList, cancel);

    /// <summary>Accepts an invitation; the daemon makes the key.</summary>
    public Task<MembershipItem> JoinAsync(JoinPublication invitation, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Post,
            "memberships",
            invitation,
            ApiJson.Default.JoinPublication,
            ApiJson.Default.MembershipItem,
            cancel
        );

    /// <summary>Accepts an invitation that needs no hub.</summary>
    public Task<MembershipItem> JoinByFileAsync(JoinByFile invitation, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Post,
            "memberships/file",
            invitation,
            ApiJson.Default.JoinByFile,
            ApiJson.Default.MembershipItem,
            cancel
        );

    /// <summary>What members told of something that we published.</summary>
    public Task<CustodySums> CustodyAsync(string publication, string entry, long version, CancellationToken cancel) =>
        GetAsync(
            $"memberships/{Escape(publication)}/custody?entry={Escape(entry)}&version={version.ToString(System.Globalization.CultureInfo.InvariantCulture)}",
            ApiJson.Default.CustodySums,
            cancel
        );

    /// <summary>Gives a membership up: the hub ends it, its key is deleted, and its torrents stop. Content stays.</summary>
    public Task<LeftMembership> LeaveAsync(string publication, LeaveWish wish, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(wish);
        static string Word(bool flag) => flag ? "true" : "false";
        var query =
            $"?remove={Word(wish.Remove)}&withPublished={Word(wish.WithPublished)}&onlyHere={Word(wish.OnlyHere)}";
        return CallAsync(
            HttpMethod.Delete,
            $"memberships/{Escape(publication)}{query}",
            null,
            ApiJson.Default.LeftMembership,
            cancel
        );
    }

    /// <summary>Tells the passphrase of a membership's key.</summary>
    public Task<MembershipItem> UnlockAsync(string publication, UnlockMembership secret, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Post,
            $"memberships/{Escape(publication)}/unlock",
            secret,
            ApiJson.Default.UnlockMembership,
            ApiJson.Default.MembershipItem,
            cancel
        );

    /// <summary>What is published to the members of a publication.</summary>
    public Task<PublishedList> CatalogueAsync(string publication, CancellationToken cancel) =>
        GetAsync($"memberships/{Escape(publication)}/catalogue", ApiJson.Default.PublishedList, cancel);

    /// <summary>What was told of what is received in a publication.</summary>
    public Task<ReceiptReport> ReceiptsAsync(string publication, CancellationToken cancel) =>
        GetAsync($"memberships/{Escape(publication)}/receipts", ApiJson.Default.ReceiptReport, cancel);

    /// <summary>Agrees to give receipts, or takes that and all that was told back.</summary>
    public Task<ReceiptReport> GiveReceiptsAsync(string publication, ReceiptWish wish, CancellationToken cancel) =>
        CallAsync(
            HttpMethod.Put,
            $"memberships/{Escape(publication)}/receipts",
            wish,
            ApiJson.Default.ReceiptWish,
            ApiJson.Default.ReceiptReport,
            cancel
        );

    public Task<LabelList> LabelsAsync(CancellationToken cancel) =>
        GetAsync("labels", ApiJson.Default.LabelList, cancel);

    /// <summary>Makes it, or replaces the one of its name.</summary>
    public Task<LabelList> SetLabelAsync(LabelItem label, CancellationToken cancel) =>
        CallAsync(HttpMethod.Put, "labels", label, ApiJson.Default.LabelItem, ApiJson.Default.LabelList, cancel);

    public Task RemoveLabelAsync(string name, CancellationToken cancel) =>
        CallAsync(HttpMethod.Delete, "labels?name=" + Escape(name), null, cancel);

    public Task<SettingList> SettingsAsync(CancellationToken cancel) =>
        GetAsync("settings", ApiJson.Default.SettingList, cancel);

    /// <param name="values">By key; null as a value means the default.</param>
    public Task<SettingsResult> ChangeSettingsAsync(Dictionary<string, JsonElement> values, CancellationToken cancel) =>
        CallAsync(
            Patch,
            "settings",
            values,
            ApiJson.Default.DictionaryStringJsonElement,
            ApiJson.Default.SettingsResult,
            cancel
        );

    /// <summary>Reads the settings file again.</summary>
    public Task<SettingsResult> ReloadSettingsAsync(CancellationToken cancel) =>
        CallAsync(HttpMethod.Post, "settings/reload", null, ApiJson.Default.SettingsResult, cancel);

    public Task<TokenList> TokensAsync(CancellationToken cancel) =>
        GetAsync("tokens", ApiJson.Default.TokenList, cancel);

    public Task<CreatedToken> CreateTokenAsync(NewToken token, CancellationToken cancel) =>
        CallAsync(HttpMethod.Post, "tokens", token, ApiJson.Default.NewToken, ApiJson.Default.CreatedToken, cancel);

    public Task RemoveTokenAsync(string id, CancellationToken cancel) =>
        CallAsync(HttpMethod.Delete, "tokens/" + Escape(id), null, cancel);

    public Task<LoginLink> CreateLoginLinkAsync(CancellationToken cancel) =>
        CallAsync(HttpMethod.Post, "login-links", null, ApiJson.Default.LoginLink, cancel);

    public Task StopAsync(CancellationToken cancel) => CallAsync(HttpMethod.Post, "stop", null, cancel);

    private static string Escape(string id) => Uri.EscapeDataString(id);
}
