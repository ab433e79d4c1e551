using System.Globalization;
using Shoal.Api;
using Shoal.Members;
using Shoal.Membership;

namespace Shoal.Daemon;

/// <summary>
/// Publications that the daemon is a member of, and what is published there. Invitations and passphrases come in bodies, which
/// are written nowhere.
/// </summary>
internal static class MembershipEndpoints
{
    public static IReadOnlyList<ApiRoute> Routes { get; } =
    [
        new(
            "GET",
            "/memberships",
            AccessScope.Read,
            "The publications that the daemon is a member of.",
            call =>
                call.WriteAsync(call.Services.Memberships.List(call.Library.CountOf), ApiJson.Default.MembershipList)
        )
        {
            Answer = ApiJson.Default.MembershipList,
        },
        new("POST", "/memberships", AccessScope.Admin, "Accepts an invitation.", JoinAsync)
        {
            Body = ApiJson.Default.JoinPublication,
            Answer = ApiJson.Default.MembershipItem,
            Status = 201,
            MaxBody = ApiLimits.MaxSecret,
        },
        new(
            "POST",
            "/memberships/file",
            AccessScope.Admin,
            "Accepts an invitation that needs no hub: the file and its passphrase.",
            JoinByFileAsync
        )
        {
            Body = ApiJson.Default.JoinByFile,
            Answer = ApiJson.Default.MembershipItem,
            Status = 201,
            MaxBody = ApiLimits.MaxInvitation,
        },
        new(
            "DELETE",
            "/memberships/{publication}",
            AccessScope.Admin,
            "Gives a membership up: the hub ends it, key and certificate are deleted, and its torrents stop. Content stays.",
            LeaveAsync
        )
        {
            Query =
            [
                ("remove", "true: its torrents leave the list too; else they stay in it, paused."),
                ("withPublished", "true: what we have in the catalogue leaves it; else who has something there stays."),
                ("onlyHere", "true: the hub is not told."),
            ],
            Answer = ApiJson.Default.LeftMembership,
        },
        new(
            "POST",
            "/memberships/{publication}/unlock",
            AccessScope.Admin,
            "Tells the passphrase of a membership's key; it is forgotten when the daemon ends.",
            UnlockAsync
        )
        {
            Body = ApiJson.Default.UnlockMembership,
            Answer = ApiJson.Default.MembershipItem,
            MaxBody = ApiLimits.MaxSecret,
        },
        new(
            "GET",
            "/memberships/{publication}/catalogue",
            AccessScope.Read,
            "What is published to the members of a publication.",
            CatalogueAsync
        )
        {
            Query = [("all", "true: old versions too.")],
            Answer = ApiJson.Default.PublishedList,
        },
        new(
            "GET",
            "/memberships/{publication}/custody",
            AccessScope.Read,
            "What members told of something that we published: who served it, and how many have it.",
            CustodyAsync
        )
        {
            Query = [("entry", "Its id."), ("version", "The number of its version.")],
            Answer = ApiJson.Default.CustodySums,
        },
        new(
            "GET",
            "/memberships/{publication}/receipts",
            AccessScope.Read,
            "What was told of what is received in a publication, and what the hub has of it.",
            async call =>
                await call.WriteAsync(
                        await Membership(call).ReadReceiptsAsync(call.Aborted).ConfigureAwait(false),
                        ApiJson.Default.ReceiptReport
                    )
                    .ConfigureAwait(false)
        )
        {
            Answer = ApiJson.Default.ReceiptReport,
        },
        new(
            "PUT",
            "/memberships/{publication}/receipts",
            AccessScope.Admin,
            "Agrees to give receipts from now on, or takes that and all that was told back.",
            GiveReceiptsAsync
        )
        {
            Body = ApiJson.Default.ReceiptWish,
            Answer = ApiJson.Default.ReceiptReport,
        },
    ];

    private static DaemonMembership Membership(ApiCall call) =>
        call.Services.Memberships.Get((string)call.Context.Request.RouteValues["publication"]!);

    private static async Task JoinAsync(ApiCall call)
    {
        var wish = await call.ReadAsync(ApiJson.Default.JoinPublication).ConfigureAwait(false);
        var joined = await call.Services.Memberships.JoinAsync(wish.Invitation, call.Aborted).ConfigureAwait(false);
        await WriteAsync(call, joined, 201).ConfigureAwait(false);
    }

    private static async Task JoinByFileAsync(ApiCall call)
    {
        var wish = await call.ReadAsync(ApiJson.Default.JoinByFile).ConfigureAwait(false);
        var bytes = new byte[wish.File.Length / 4 * 3 + 3];
        if (!Convert.TryFromBase64String(wish.File, bytes, out var length))
        {
            throw ApiException.Bad("file", "file: must be base64");
        }

        var joined = await call
            .Services.Memberships.JoinAsync(bytes.AsMemory(0, length), wish.Passphrase, call.Aborted)
            .ConfigureAwait(false);
        await WriteAsync(call, joined, 201).ConfigureAwait(false);
    }

    private static async Task LeaveAsync(ApiCall call)
    {
        var (publication, removes) = (Membership(call).Publication, call.QueryFlag("remove"));
        var problem = await call
            .Services.Memberships.LeaveAsync(
                publication,
                new LeavingWish(call.QueryFlag("withPublished"), call.QueryFlag("onlyHere")),
                why => call.Library.LeaveMembershipAsync(publication, why, removes),
                call.Aborted
            )
            .ConfigureAwait(false);
        await call.WriteAsync(new LeftMembership(publication, problem is null, problem), ApiJson.Default.LeftMembership)
            .ConfigureAwait(false);
    }

    private static async Task UnlockAsync(ApiCall call)
    {
        var publication = Membership(call).Publication;
        var wish = await call.ReadAsync(ApiJson.Default.UnlockMembership).ConfigureAwait(false);
        var opened = await call
            .Services.Memberships.UnlockAsync(publication, wish.Passphrase, call.Aborted)
            .ConfigureAwait(false);
        await WriteAsync(call, opened, 200).ConfigureAwait(false);
    }

    private static async Task GiveReceiptsAsync(ApiCall call)
    {
        var membership = Membership(call);
        var wish = await call.ReadAsync(ApiJson.Default.ReceiptWish).ConfigureAwait(false);
        var report = await membership.GiveReceiptsAsync(wish.Give, call.Aborted).ConfigureAwait(false);
        await call.WriteAsync(report, ApiJson.Default.ReceiptReport).ConfigureAwait(false);
    }

    private static async Task CustodyAsync(ApiCall call)
    {
        if (!EntryId.TryParse(call.Query("entry"), out var entry))
        {
            throw ApiException.Bad("entry", "entry: is no id of the catalogue");
        }

        if (
            !long.TryParse(call.Query("version"), NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            || version < 1
        )
        {
            throw ApiException.Bad("version", "version: must be a number from 1");
        }

        var sums = await Membership(call).ReadCustodyAsync(entry, version, call.Aborted).ConfigureAwait(false);
        await call.WriteAsync(sums, ApiJson.Default.CustodySums).ConfigureAwait(false);
    }

    private static async Task CatalogueAsync(ApiCall call)
    {
        string? IdOf(string? v1, string? v2) =>
            new[] { v1, v2 }
                .OfType<string>()
                .Select(hash => call.Library.TryFindExact(hash)?.Entry.Id)
                .FirstOrDefault(id => id is not null);
        var list = await MembershipBook
            .CatalogueAsync(Membership(call), call.QueryFlag("all"), IdOf, call.Aborted)
            .ConfigureAwait(false);
        await call.WriteAsync(list, ApiJson.Default.PublishedList).ConfigureAwait(false);
    }

    private static Task WriteAsync(ApiCall call, DaemonMembership membership, int status) =>
        call.WriteAsync(
            membership.Describe(call.Library.CountOf(membership.Publication)),
            ApiJson.Default.MembershipItem,
            status
        );
}
