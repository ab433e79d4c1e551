using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>What the commands that invite have in common: as what, for how long, how often.</summary>
internal sealed class InviteOptions
{
    private static readonly TimeSpan DefaultLifetime = TimeSpan.FromDays(14);

    private readonly Option<string?> _role = Options.Choice(
        "--role",
        "As what: member (default), publisher, who may publish too, or administrator, who may invite and revoke too",
        "member",
        "publisher",
        "administrator"
    );

    private readonly Option<TimeSpan?> _expires = Options.Duration(
        "--expires",
        "How long the link can be used, up to 400d (default 14d); who has joined stays a member"
    );

    private readonly Option<int?> _uses = Options.Number(
        "--uses",
        "How often it can be used: by so many people, or on so many machines (default 1)",
        1,
        HubLimits.MaxUses
    );

    private readonly Option<long?> _publishQuota = Options.Size(
        "--publish-quota",
        "The most that a publisher may have in the catalogue, all versions together (default: no limit)"
    );

    private readonly Option<int?> _inviteQuota = Options.Number(
        "--invite-quota",
        "How many people an administrator may invite in all, with all whom those may invite (default: no limit)",
        0,
        HubLimits.MaxInviteQuota
    );

    private readonly Option<bool> _shoal = Options.Flag(
        "--shoal-link",
        "Write links as shoal://join/..., for where the program is installed (default: https://, which a browser explains)"
    );

    public IEnumerable<Option> All => [_role, _expires, _uses, _publishQuota, _inviteQuota, _shoal];

    /// <summary>Longest membership without a hub: certificates have an end, and are good a day before they are made.</summary>
    public static readonly TimeSpan MaxOffline = TimeSpan.FromDays(373);

    private static readonly TimeSpan DefaultOffline = TimeSpan.FromDays(90);

    /// <summary>What is asked for in vain where no link is made; null: nothing.</summary>
    public Option? OnlyForLinks(ParseResult result) =>
        result.GetValue(_uses) is not null ? _uses
        : result.GetValue(_shoal) ? _shoal
        : null;

    /// <summary>A new member without a link.</summary>
    /// <exception cref="UserErrorException">The options are not right.</exception>
    public NewMember MakeMember(
        ParseResult result,
        MemberIdentity identity,
        string name,
        DateTimeOffset now,
        Person? person = null
    )
    {
        var lifetime = person?.Expires ?? result.GetValue(_expires) ?? DefaultOffline;
        return lifetime < TimeSpan.FromMinutes(1) || lifetime > MaxOffline
            ? throw UserErrorException.Usage("--expires: from 1m to 373d, where no hub is asked")
            : new NewMember(
                identity.CreateRequest(),
                name,
                RoleNames.Of(RoleOf(result, person)),
                (now + lifetime).ToUnixTimeSeconds(),
                result.GetValue(_publishQuota),
                result.GetValue(_inviteQuota)
            );
    }

    private MemberRole RoleOf(ParseResult result, Person? person) =>
        person?.Role is { } said ? said
        : RoleNames.TryParse(result.GetValue(_role) ?? "member", out var role) ? role
        : throw UserErrorException.Usage("--role: member, publisher or administrator");

    public static bool IsLifetime(TimeSpan lifetime) =>
        lifetime >= TimeSpan.FromMinutes(1) && lifetime <= HubLimits.Default.InvitationLifetime;

    /// <summary>A new invitation: what the hub gets to know, and the link, whose secret it does not.</summary>
    /// <param name="person">What a table says otherwise than the options; null: nothing.</param>
    /// <exception cref="UserErrorException">The options are not right.</exception>
    public (NewInvitation Invitation, InvitationLink Link) Make(
        ParseResult result,
        LocalMembership membership,
        string name,
        DateTimeOffset now,
        Person? person = null
    )
    {
        var lifetime = person?.Expires ?? result.GetValue(_expires) ?? DefaultLifetime;
        if (!IsLifetime(lifetime))
        {
            throw UserErrorException.Usage("--expires: from 1m to 400d");
        }

        var role = RoleOf(result, person);
        var link = new InvitationLink(
            membership.Hub.Host,
            membership.Hub.Port,
            membership.Publication,
            new InvitationId(RandomNumberGenerator.GetBytes(InvitationId.Size)),
            new InvitationSecret(RandomNumberGenerator.GetBytes(InvitationSecret.Size))
        );
        var invitation = new NewInvitation(
            link.Invitation.ToString(),
            link.Secret.Hash(link.Publication, link.Invitation),
            name,
            RoleNames.Of(role),
            (now + lifetime).ToUnixTimeSeconds(),
            person?.Uses ?? result.GetValue(_uses) ?? 1,
            result.GetValue(_publishQuota),
            result.GetValue(_inviteQuota)
        );
        return (invitation, link);
    }

    public string TextOf(ParseResult result, InvitationLink link) =>
        result.GetValue(_shoal) ? link.ToShoalLink() : link.ToHttpsLink();

    public static string DateOf(long seconds) =>
        DateTimeOffset
            .FromUnixTimeSeconds(Math.Clamp(seconds, 0, 253402300799))
            .ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
