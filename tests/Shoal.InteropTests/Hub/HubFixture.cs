using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.InteropTests;

/// <summary>Hubs and members of one test: real sockets and TLS on loopback, real files, gone at the end.</summary>
internal sealed class HubFixture : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("shoal-hub-").FullName;
    private readonly List<IDisposable> _owned = [];
    private readonly List<HubServer> _hubs = [];
    private int _folders;

    public CancellationTokenSource Timeout { get; } = new(TimeSpan.FromSeconds(60));

    public string Folder() => Path.Combine(_root, $"{++_folders}");

    public static HubConnect Connect { get; } =
        async (host, port, cancel) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(host, port, cancel);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        };

    public async Task<HubServer> StartAsync(
        string folder,
        string? postgres = null,
        ReceiptRetention receipts = ReceiptRetention.Sums,
        int port = 0
    )
    {
        var hub = await HubServer.StartAsync(
            new HubOptions
            {
                Listen = [new IPEndPoint(IPAddress.Loopback, port)],
                Hosts = ["127.0.0.1"],
                Folder = folder,
                Postgres = postgres,
                Receipts = receipts,
            },
            Timeout.Token
        );
        _hubs.Add(hub);
        return hub;
    }

    public static HubAddress AddressOf(HubServer hub) => new("127.0.0.1", hub.EndPoints[0].Port);

    /// <summary>A member without an invitation.</summary>
    public async Task<LocalMembership> AddAsync(HubServer hub, MemberRole role)
    {
        var identity = MemberIdentity.Create();
        var answer = await hub.AddMemberAsync(identity.CreateRequest(), "somebody", role, Timeout.Token);
        return Keep(
            LocalMembership.Create(Folder(), hub.Publication, identity, answer, AddressOf(hub), DateTimeOffset.UtcNow)
        );
    }

    /// <summary>A member by a file, whose key was made for it.</summary>
    public async Task<LocalMembership> AddByFileAsync(HubServer hub, LocalMembership administrator)
    {
        using var given = MemberIdentity.Create();
        var until = DateTimeOffset.UtcNow.AddDays(30).ToUnixTimeSeconds();
        var wish = new NewMember(given.CreateRequest(), "Eve", "member", until, null, null);
        var issued = await ClientOf(administrator).IssueAsync(new NewMembers([wish]), Timeout.Token);
        var file = new OfflineInvitation
        {
            Authority = administrator.Authority,
            PublicationKey = administrator.PublicationKey,
            Key = given.Export(),
            Certificate = issued.Certificates[0],
            Hub = AddressOf(hub).ToString(),
            Content = new OfflineContent(),
        };
        Assert.True(OfflineInvitation.TryRead(file.Write(), DateTimeOffset.UtcNow, out var read, out _));
        return Keep(LocalMembership.Create(Folder(), read, AddressOf(hub), DateTimeOffset.UtcNow));
    }

    public HubClient ClientOf(LocalMembership membership) =>
        Keep(HubClient.Of(membership, Connect, TimeProvider.System));

    public static (NewInvitation Invitation, InvitationLink Link) NewInvitation(HubServer hub, int uses = 1)
    {
        var link = new InvitationLink(
            "127.0.0.1",
            hub.EndPoints[0].Port,
            hub.Publication,
            new InvitationId(RandomNumberGenerator.GetBytes(InvitationId.Size)),
            new InvitationSecret(RandomNumberGenerator.GetBytes(InvitationSecret.Size))
        );
        var hash = link.Secret.Hash(link.Publication, link.Invitation);
        var expires = DateTimeOffset.UtcNow.AddDays(1).ToUnixTimeSeconds();
        return (new NewInvitation(link.Invitation.ToString(), hash, "Ada", "member", expires, uses, null, null), link);
    }

    /// <summary>As <c>shoal join</c> does it.</summary>
    public async Task<LocalMembership> JoinAsync(HubAddress hub, InvitationLink link, MemberIdentity? identity = null)
    {
        var authority = await HubClient.FindAuthorityAsync(
            hub,
            link.Publication,
            Connect,
            TimeProvider.System,
            Timeout.Token
        );
        using var client = HubClient.Anonymous(hub, authority, Connect, TimeProvider.System);
        identity ??= MemberIdentity.Create();
        var answer = await client.JoinAsync(link, identity.CreateRequest(), Timeout.Token);
        return Keep(LocalMembership.Create(Folder(), link.Publication, identity, answer, hub, DateTimeOffset.UtcNow));
    }

    public async ValueTask DisposeAsync()
    {
        _owned.ForEach(one => one.Dispose());
        foreach (var hub in _hubs)
        {
            await hub.DisposeAsync();
        }

        Timeout.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    private T Keep<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }
}
