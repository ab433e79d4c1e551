using System.Text.Json.Serialization;

namespace Shoal.Api;

/// <summary>How a membership is.</summary>
[JsonConverter(typeof(WordEnumConverter<MembershipState>))]
public enum MembershipState
{
    /// <summary>Its certificate is good.</summary>
    Active,

    /// <summary>Its key lies under a passphrase that nobody has told since the daemon started.</summary>
    Locked,

    /// <summary>An administrator of the publication shut us out, or it was given up elsewhere.</summary>
    Ended,

    /// <summary>The hub could not be asked for a new certificate in time: join again.</summary>
    Expired,

    /// <summary>Its files are damaged, or the key is lost.</summary>
    Unusable,
}

/// <summary>A publication that the daemon is a member of.</summary>
public sealed record MembershipItem
{
    /// <summary>The id of the publication, and the membership's name in this API.</summary>
    public required string Publication { get; init; }

    /// <summary>HOST:PORT.</summary>
    public required string Hub { get; init; }
    public MembershipState State { get; init; }

    /// <summary>Why it is not active, or why the hub does not answer; null: nothing is wrong.</summary>
    public string? Problem { get; init; }

    /// <summary>Our id there.</summary>
    public string? Member { get; init; }

    /// <summary>member, publisher or administrator.</summary>
    public string? Role { get; init; }

    /// <summary>Seconds since 1970: the end of the certificate, which is renewed by itself when half of its time is over.</summary>
    public long? CertificateUntil { get; init; }

    /// <summary>Torrents of it in the list.</summary>
    public int Torrents { get; init; }
}

/// <summary>All memberships.</summary>
public sealed record MembershipList(IReadOnlyList<MembershipItem> Memberships);

/// <summary>How a membership is given up.</summary>
/// <param name="Remove">Its torrents leave the list too; else they stay in it, paused.</param>
/// <param name="WithPublished">What we have in the catalogue leaves it too; else who has something there stays a member.</param>
/// <param name="OnlyHere">The hub is not told.</param>
public sealed record LeaveWish(bool Remove = false, bool WithPublished = false, bool OnlyHere = false);

/// <summary>A membership that was given up.</summary>
/// <param name="Publication">Whose.</param>
/// <param name="AtHub">The hub has ended it, and tells all members.</param>
/// <param name="Problem">What it means that the hub has not; null: it has.</param>
public sealed record LeftMembership(string Publication, bool AtHub, string? Problem);

/// <summary>An invitation to accept.</summary>
/// <param name="Invitation">The link, https or shoal.</param>
public sealed record JoinPublication(string Invitation)
{
    // A record would print the secret wherever somebody prints the record.
    public override string ToString() => nameof(JoinPublication);
}

/// <summary>A file of an offline invitation to accept.</summary>
/// <param name="File">What is in it, base64.</param>
/// <param name="Passphrase">What it lies under.</param>
public sealed record JoinByFile(string File, string Passphrase)
{
    public override string ToString() => nameof(JoinByFile);
}

/// <summary>The passphrase of a membership's key.</summary>
public sealed record UnlockMembership(string Passphrase)
{
    public override string ToString() => nameof(UnlockMembership);
}

/// <summary>One version of something that is published to members, signed by its publisher, who is one.</summary>
public sealed record PublishedItem
{
    public required string Id { get; init; }
    public long Version { get; init; }

    /// <summary>What its publisher calls this version; empty: nothing.</summary>
    public string VersionName
    {
        get;
        init => field = value ?? "";
    } = "";
    public required string Title { get; init; }
    public long Size { get; init; }
    public string Licence
    {
        get;
        init => field = value ?? "";
    } = "";

    /// <summary>How to cite it.</summary>
    public string Citation
    {
        get;
        init => field = value ?? "";
    } = "";
    public string? InfoHashV1 { get; init; }
    public string? InfoHashV2 { get; init; }

    /// <summary>The id of the member that signed it.</summary>
    public required string Publisher { get; init; }

    /// <summary>Seconds since 1970.</summary>
    public long PublishedAt { get; init; }

    /// <summary>Its publisher would like receipts of who fetches it; each member decides for itself.</summary>
    public bool AsksForReceipts { get; init; }

    /// <summary>Members that have all of it and are online; 0 where the hub was not asked.</summary>
    public int Complete { get; init; }

    /// <summary>Members that are at it.</summary>
    public int Incomplete { get; init; }

    /// <summary>The id of its torrent in the list of torrents; null: it is not there.</summary>
    public string? Torrent { get; init; }
}

/// <summary>What is published to the members of one publication.</summary>
/// <param name="Entries">The newest first.</param>
/// <param name="HubProblem">Why the hub was not asked: then it is what is known of before; null: it answered.</param>
public sealed record PublishedList(IReadOnlyList<PublishedItem> Entries, string? HubProblem);
