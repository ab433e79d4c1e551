using System.Security.Cryptography;
using Shoal.Hub;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>A hub with something published, and members that say what they received of it.</summary>
internal sealed class CustodyWorld : IAsyncDisposable
{
    private CustodyWorld(HubWorld hub, HubMember publisher, CatalogueFields fields) =>
        (Hub, Publisher, Fields) = (hub, publisher, fields);

    public HubWorld Hub { get; }

    public HubMember Publisher { get; }

    public CatalogueFields Fields { get; }

    public ReceiptContent Content => ReceiptContent.Of(Fields);

    public string Custody => $"/v1/catalogue/{Fields.Id}/{Fields.Version}/custody";

    public string Claims => $"/v1/catalogue/{Fields.Id}/{Fields.Version}/claims";

    private DateTimeOffset Now => DateTimeOffset.FromUnixTimeSeconds(Hub.Time.GetUtcNow().ToUnixTimeSeconds());

    public static async Task<CustodyWorld> StartAsync(
        ReceiptRetention kept = ReceiptRetention.Signed,
        HubLimits? limits = null
    )
    {
        var hub = await HubWorld.StartAsync(limits, kept);
        var publisher = await hub.AddAsync(MemberRole.Publisher);
        var (request, _, fields) = hub.Entry(publisher);
        Assert.Equal(
            204,
            (await hub.TellAsync(publisher, "/v1/catalogue", request, HubJson.Default.PublishRequest)).Status
        );
        return new CustodyWorld(hub, publisher, fields);
    }

    public ReceiptFields Receipt(long number, bool complete, params (HubMember Who, long Bytes)[] senders) =>
        new()
        {
            Content = Content,
            Number = number,
            Since = Now,
            Until = Now,
            IsComplete = complete,
            Senders = [.. senders.Select(one => new ReceivedShare(one.Who.Id, one.Bytes)).OrderBy(one => one.Sender)],
        };

    public static byte[] Sign(HubMember by, ReceiptFields fields) =>
        TransferReceipt.Sign(fields, by.Identity, by.Certificate);

    public Task<HubAnswer> GiveAsync(HubMember by, ReceiptFields fields, string agreed = "signed") =>
        GiveAsync(by, Sign(by, fields), agreed);

    public Task<HubAnswer> GiveAsync(HubMember by, byte[] receipt, string agreed = "signed") =>
        Hub.TellAsync(by, "/v1/receipts", new ReceiptRequest(receipt, agreed), CustodyJson.Default.ReceiptRequest);

    public async Task<CustodyFigures> FiguresAsync() =>
        (await Hub.AskAsync(Publisher, "GET", Custody)).As(CustodyJson.Default.CustodyFigures);

    public async Task<OwnReceipts> OwnAsync(HubMember who) =>
        (await Hub.AskAsync(who, "GET", "/v1/receipts")).As(CustodyJson.Default.OwnReceipts);

    public (byte[] Encoded, Sha256Digest Id) Challenge(HubMember by, HubMember of, TimeSpan? open = null)
    {
        var encoded = CustodyChallenge.Sign(
            new ChallengeFields
            {
                Content = Content,
                Member = of.Id,
                Salt = RandomNumberGenerator.GetBytes(CustodyLimits.SaltSize),
                Blocks = 4,
                Made = Now,
                Expires = Now + (open ?? TimeSpan.FromMinutes(2)),
            },
            by.Identity,
            by.Certificate
        );
        return (encoded, new Sha256Digest(SHA256.HashData(encoded)));
    }

    public Task<HubAnswer> ChallengeAsync(HubMember by, byte[] challenge) =>
        Hub.TellAsync(by, "/v1/challenges", new ChallengeRequest(challenge), CustodyJson.Default.ChallengeRequest);

    public Task<HubAnswer> FetchAsync(HubMember who) =>
        Hub.AskAsync(who, "GET", $"/v1/challenges?entry={Fields.Id}&version={Fields.Version}");

    public Task<HubAnswer> ReplyAsync(HubMember who, byte[] answer) =>
        Hub.TellAsync(who, "/v1/challenges/reply", new ChallengeReply(answer), CustodyJson.Default.ChallengeReply);

    public Task<HubAnswer> StateAsync(HubMember who, Sha256Digest id) =>
        Hub.AskAsync(who, "GET", $"/v1/challenges/{id}");

    public ValueTask DisposeAsync() => Hub.DisposeAsync();
}
