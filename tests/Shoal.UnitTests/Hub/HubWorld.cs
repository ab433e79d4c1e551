using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.TestHost;
using Shoal.Hub;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>An answer of the hub.</summary>
internal sealed record HubAnswer(int Status, byte[] Body)
{
    public T As<T>(JsonTypeInfo<T> type) => JsonSerializer.Deserialize(Body, type)!;

    /// <summary>The code of a refusal.</summary>
    public string Code => As(HubJson.Default.HubProblem).Code;
}

/// <summary>A member as the hub sees him: a key, a certificate, and where he calls from.</summary>
internal sealed class HubMember(MemberIdentity identity, byte[] certificate, MemberId id) : IDisposable
{
    public MemberIdentity Identity { get; } = identity;

    public byte[] Certificate { get; set; } = certificate;

    public MemberId Id { get; } = id;

    public IPAddress Address { get; set; } = IPAddress.Parse("198.51.100.7");

    public void Dispose() => Identity.Dispose();
}

/// <summary>A hub in memory, on virtual time, with a database in a folder of its own. What TLS proves is given.</summary>
internal sealed class HubWorld : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly List<HubMember> _members = [];
    private HubServer? _hub;

    public VirtualTime Time { get; } = new();

    public HubLimits Limits { get; init; } = HubLimits.Default;

    /// <summary>What the hub keeps of receipts, from the next start on.</summary>
    public ReceiptRetention Receipts { get; set; } = ReceiptRetention.Sums;

    public string Folder => _folder.Path;

    public HubServer Hub => _hub!;

    public static async Task<HubWorld> StartAsync(
        HubLimits? limits = null,
        ReceiptRetention receipts = ReceiptRetention.Sums
    )
    {
        var world = new HubWorld { Limits = limits ?? HubLimits.Default, Receipts = receipts };
        await world.OpenAsync();
        return world;
    }

    /// <summary>Ends the hub and begins anew with what is on the disk.</summary>
    /// <param name="meanwhile">Done with the disk while nothing runs.</param>
    public async Task RestartAsync(Action? meanwhile = null)
    {
        await _hub!.DisposeAsync();
        meanwhile?.Invoke();
        await OpenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_hub is not null)
        {
            await _hub.DisposeAsync();
        }

        _members.ForEach(member => member.Dispose());
        _folder.Dispose();
    }

    public Task<HubAnswer> AskAsync(HubMember? who, string method, string path) => SendAsync(who, method, path, []);

    public Task<HubAnswer> TellAsync<T>(HubMember? who, string path, T body, JsonTypeInfo<T> type) =>
        SendAsync(who, "POST", path, JsonSerializer.SerializeToUtf8Bytes(body, type));

    public async Task<HubAnswer> SendAsync(
        HubMember? who,
        string method,
        string path,
        byte[] body,
        IPAddress? from = null
    )
    {
        using var certificate = who is null ? null : X509CertificateLoader.LoadCertificate(who.Certificate);
        var question = path.IndexOf('?', StringComparison.Ordinal);
        var server = Assert.IsType<TestServer>(_hub!.Server);
        var context = await server.SendAsync(request =>
        {
            request.Request.Method = method;
            request.Request.Scheme = "https";
            request.Request.Path = question < 0 ? path : path[..question];
            request.Request.QueryString = new QueryString(question < 0 ? "" : path[question..]);
            request.Request.Body = new MemoryStream(body);
            request.Request.ContentLength = body.Length;
            request.Request.ContentType = "application/json";
            request.Connection.ClientCertificate = certificate;
            request.Connection.RemoteIpAddress = from ?? who?.Address ?? IPAddress.Parse("203.0.113.9");
            request.Connection.LocalIpAddress = IPAddress.Parse("192.0.2.1");
        });
        using var answer = new MemoryStream();
        await context.Response.Body.CopyToAsync(answer);
        return new HubAnswer(context.Response.StatusCode, answer.ToArray());
    }

    /// <summary>A member without an invitation.</summary>
    public async Task<HubMember> AddAsync(MemberRole role, string name = "somebody")
    {
        var identity = MemberIdentity.Create();
        var answer = await _hub!.AddMemberAsync(identity.CreateRequest(), name, role, CancellationToken.None);
        return Remember(identity, answer);
    }

    /// <summary>Makes an invitation as the administrator would, and returns its link.</summary>
    public async Task<InvitationLink> InviteAsync(
        HubMember administrator,
        MemberRole role = MemberRole.Member,
        int uses = 1,
        long? publishBytes = null,
        long? invitations = null
    )
    {
        var link = NewLink();
        var made = await TellAsync(
            administrator,
            "/v1/invitations",
            new NewInvitations([Of(link, role, uses, publishBytes, invitations)]),
            HubJson.Default.NewInvitations
        );
        Assert.Equal(204, made.Status);
        return link;
    }

    public NewInvitation Of(
        InvitationLink link,
        MemberRole role = MemberRole.Member,
        int uses = 1,
        long? publishBytes = null,
        long? invitations = null
    ) =>
        new(
            link.Invitation.ToString(),
            link.Secret.Hash(link.Publication, link.Invitation),
            "Ada",
            RoleNames.Of(role),
            (Time.GetUtcNow() + TimeSpan.FromDays(1)).ToUnixTimeSeconds(),
            uses,
            publishBytes,
            invitations
        );

    public InvitationLink NewLink() =>
        new(
            "hub.example",
            7450,
            _hub!.Publication,
            new InvitationId(RandomNumberGenerator.GetBytes(InvitationId.Size)),
            new InvitationSecret(RandomNumberGenerator.GetBytes(InvitationSecret.Size))
        );

    public Task<HubAnswer> JoinAsync(InvitationLink link, byte[] request, IPAddress? from = null)
    {
        var body = new JoinRequest(
            link.Publication.ToString(),
            link.Invitation.ToString(),
            link.Secret.Span.ToArray(),
            request
        );
        return SendAsync(
            null,
            "POST",
            "/v1/join",
            JsonSerializer.SerializeToUtf8Bytes(body, HubJson.Default.JoinRequest),
            from
        );
    }

    /// <summary>Joins with a new key.</summary>
    public async Task<HubMember> JoinAsync(InvitationLink link)
    {
        var identity = MemberIdentity.Create();
        var answer = await JoinAsync(link, identity.CreateRequest());
        Assert.Equal(200, answer.Status);
        return Remember(identity, answer.As(HubJson.Default.MembershipAnswer));
    }

    /// <summary>A torrent and its entry, signed by the publisher.</summary>
    public (PublishRequest Request, Metainfo Metainfo, CatalogueFields Fields) Entry(
        HubMember publisher,
        int seed = 1,
        EntryId? id = null,
        long version = 1,
        string title = "Genomes"
    )
    {
        var built = new TorrentBuilder(TorrentFormat.Hybrid).Single(20_000, seed).Build();
        var fields = new CatalogueFields
        {
            Publication = _hub!.Publication,
            Id = id ?? new EntryId((UInt128)(ulong)seed),
            Version = version,
            Title = title,
            Size = built.Metainfo.Size,
            Licence = "CC0-1.0",
            Citation = "Somebody (2026)",
            InfoHashes = built.Metainfo.InfoHashes,
            Torrent = new Sha256Digest(SHA256.HashData(built.TorrentBytes)),
            SignedAt = Time.GetUtcNow(),
        };
        var entry = CatalogueEntry.Sign(fields, publisher.Identity, publisher.Certificate);
        return (new PublishRequest(entry, built.TorrentBytes), built.Metainfo, fields);
    }

    private HubMember Remember(MemberIdentity identity, MembershipAnswer answer)
    {
        Assert.True(MemberId.TryParse(answer.Member, out var id));
        var member = new HubMember(identity, answer.Certificate, id);
        _members.Add(member);
        return member;
    }

    private async Task OpenAsync() =>
        _hub = await HubServer.StartAsync(
            new HubOptions
            {
                Listen = [],
                Hosts = ["hub.example"],
                Folder = _folder["hub"],
                Limits = Limits,
                Receipts = Receipts,
                Time = Time,
                TickPeriod = TimeSpan.FromMinutes(5),
            },
            host => host.UseTestServer(),
            CancellationToken.None
        );
}
