using System.Text.Json;
using System.Text.Json.Serialization;

namespace Shoal.Api;

/// <summary>The JSON of the API: camel case, unknown fields refused, so that a mistyped one is not silently ignored.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    NumberHandling = JsonNumberHandling.Strict,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    MaxDepth = 16
)]
[JsonSerializable(typeof(TorrentItem))]
[JsonSerializable(typeof(TorrentPage))]
[JsonSerializable(typeof(TorrentDetails))]
[JsonSerializable(typeof(FileItem))]
[JsonSerializable(typeof(PeerItem))]
[JsonSerializable(typeof(TrackerItem))]
[JsonSerializable(typeof(SettingItem))]
[JsonSerializable(typeof(TokenItem))]
[JsonSerializable(typeof(FileList))]
[JsonSerializable(typeof(PeerList))]
[JsonSerializable(typeof(TrackerList))]
[JsonSerializable(typeof(PieceMap))]
[JsonSerializable(typeof(AddTorrent))]
[JsonSerializable(typeof(FileChange))]
[JsonSerializable(typeof(TorrentChange))]
[JsonSerializable(typeof(BatchAction))]
[JsonSerializable(typeof(BatchResult))]
[JsonSerializable(typeof(MoveTorrent))]
[JsonSerializable(typeof(TrackerChange))]
[JsonSerializable(typeof(AddPeers))]
[JsonSerializable(typeof(FeedItem))]
[JsonSerializable(typeof(FeedList))]
[JsonSerializable(typeof(FeedRule))]
[JsonSerializable(typeof(FeedRuleList))]
[JsonSerializable(typeof(FeedRuleOrder))]
[JsonSerializable(typeof(FeedEntryList))]
[JsonSerializable(typeof(MembershipItem))]
[JsonSerializable(typeof(LeftMembership))]
[JsonSerializable(typeof(MembershipList))]
[JsonSerializable(typeof(JoinPublication))]
[JsonSerializable(typeof(JoinByFile))]
[JsonSerializable(typeof(UnlockMembership))]
[JsonSerializable(typeof(ReceiptWish))]
[JsonSerializable(typeof(ReceiptReport))]
[JsonSerializable(typeof(CustodySums))]
[JsonSerializable(typeof(PublishedItem))]
[JsonSerializable(typeof(PublishedList))]
[JsonSerializable(typeof(CategoryItem))]
[JsonSerializable(typeof(CategoryList))]
[JsonSerializable(typeof(LabelItem))]
[JsonSerializable(typeof(LabelList))]
[JsonSerializable(typeof(TorrentPreview))]
[JsonSerializable(typeof(NewCreation))]
[JsonSerializable(typeof(CreationItem))]
[JsonSerializable(typeof(CreationList))]
[JsonSerializable(typeof(DaemonStatus))]
[JsonSerializable(typeof(FreeSpace))]
[JsonSerializable(typeof(SettingList))]
[JsonSerializable(typeof(SettingsResult))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
[JsonSerializable(typeof(TokenList))]
[JsonSerializable(typeof(NewToken))]
[JsonSerializable(typeof(CreatedToken))]
[JsonSerializable(typeof(LoginLink))]
[JsonSerializable(typeof(NewStreamLink))]
[JsonSerializable(typeof(StreamLink))]
[JsonSerializable(typeof(DaemonEvent))]
[JsonSerializable(typeof(Problem))]
public sealed partial class ApiJson : JsonSerializerContext;
