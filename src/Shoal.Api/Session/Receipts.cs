namespace Shoal.Api;

/// <summary>Whether receipts shall be given from now on.</summary>
/// <param name="Give">false: what was told is deleted, here and at the hub.</param>
public sealed record ReceiptWish(bool Give);

/// <summary>What was agreed to be told of what is received in one publication, and all that was.</summary>
public sealed record ReceiptReport
{
    /// <summary>sums or signed: what the hub may keep; null: nothing is told.</summary>
    public string? Agreed { get; init; }

    /// <summary>none, sums or signed: what the hub keeps; null: it does not answer.</summary>
    public string? HubKeeps { get; init; }

    /// <summary>The last receipt of each content.</summary>
    public IReadOnlyList<ToldReceipt> Told
    {
        get;
        init => field = value ?? [];
    } = [];

    /// <summary>The challenges answered last, the oldest first.</summary>
    public IReadOnlyList<AnsweredItem> Answered
    {
        get;
        init => field = value ?? [];
    } = [];

    /// <summary>What the hub has of us; empty while it does not answer.</summary>
    public IReadOnlyList<KeptReceipt> AtHub
    {
        get;
        init => field = value ?? [];
    } = [];
}

/// <summary>What we said of one content.</summary>
/// <param name="Since">Seconds since 1970: when we began to receive it.</param>
/// <param name="Until">When we said it.</param>
/// <param name="Complete">That we have all of it.</param>
/// <param name="Bytes">From all senders.</param>
public sealed record ToldReceipt(
    string Entry,
    long Version,
    long Since,
    long Until,
    bool Complete,
    long Bytes,
    IReadOnlyList<ReceiptSender> Senders
);

/// <param name="Member">Its id.</param>
public sealed record ReceiptSender(string Member, long Bytes);

/// <summary>A challenge that was answered.</summary>
/// <param name="At">Seconds since 1970.</param>
/// <param name="Challenger">The id of the member who asked.</param>
/// <param name="Blocks">How many were read.</param>
/// <param name="Complete">They were all here.</param>
public sealed record AnsweredItem(string Entry, long Version, long At, string Challenger, int Blocks, bool Complete);

/// <summary>What members that agreed told of something that we published, all of them together.</summary>
/// <param name="Kept">none, sums or signed: what the hub keeps of receipts.</param>
/// <param name="Receivers">Members that told.</param>
/// <param name="FromOrigin">Bytes that they got from the publisher.</param>
/// <param name="FromMembers">Bytes that they got from others.</param>
/// <param name="Copies">Of these members, who say that they have all of it.</param>
/// <param name="OnlineComplete">Members, agreed or not, that are there with all of it.</param>
/// <param name="OnlineIncomplete">Members that are there with a part of it.</param>
public sealed record CustodySums(
    string Kept,
    long Receivers,
    long FromOrigin,
    long FromMembers,
    long Copies,
    int OnlineComplete,
    int OnlineIncomplete
);

/// <summary>What the hub has of us.</summary>
/// <param name="FromOrigin">Bytes from the content's publisher.</param>
/// <param name="FromMembers">Bytes from others.</param>
/// <param name="Signed">With our id, as we signed it.</param>
public sealed record KeptReceipt(
    string Entry,
    long Version,
    long FromOrigin,
    long FromMembers,
    bool Complete,
    bool Signed
);
