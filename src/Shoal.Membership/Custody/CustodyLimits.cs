namespace Shoal.Membership;

/// <summary>Bounds of receipts and challenges.</summary>
public static class CustodyLimits
{
    /// <summary>
    /// Senders that one receipt can name: 24 bytes each, so 24 KB. A member is connected to some hundred others. Beyond: those who
    /// sent least are left out.
    /// </summary>
    public const int MaxSenders = 1_000;

    /// <summary>Longest receipt that is read: the senders, a certificate, and what stands around them.</summary>
    public const int MaxReceiptLength = MaxSenders * TransferReceipt.SenderSize + 4096 + 1024;

    /// <summary>
    /// Bytes that one receipt can claim, as a multiple of the content's size. 2: what is counted was proven, so it is the
    /// content once; a member that fetched it again after it lost it may say so once. Beyond: not taken.
    /// </summary>
    public const int MaxCopies = 2;

    /// <summary>
    /// How often a receiver says how far it is; when it has all and when it ends it says so at once. Of 10,000 receivers
    /// at the same time that makes 17 receipts a second for a hub.
    /// </summary>
    public static readonly TimeSpan ReceiptInterval = TimeSpan.FromMinutes(10);

    /// <summary>When a receipt that did not arrive is given again.</summary>
    public static readonly TimeSpan ReceiptRetry = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How far the clocks of two members, or of a member and the hub, may be apart: a day, as with certificates, and an hour for who was
    /// asleep. Beyond: receipts and challenges are not taken.
    /// </summary>
    public static readonly TimeSpan MaxSkew = TimeSpan.FromHours(25);

    /// <summary>Random bytes of a challenge.</summary>
    public const int SaltSize = 32;

    /// <summary>
    /// Blocks (16 KiB) that one challenge can ask for. 64: 1 MiB, which a hard disk reads in about a second. Who has lost one block of
    /// twenty is found with 96 %, one of ten with 99.9 %. Beyond: not answered.
    /// </summary>
    public const int MaxBlocks = 64;

    /// <summary>How long a challenge can be open. An hour: whoever is online sees it within a minute.</summary>
    public static readonly TimeSpan MaxLifetime = TimeSpan.FromHours(1);

    /// <summary>
    /// Challenges that a member answers in an hour, whoever asks and whatever the hub says: at most 12 MiB are read for
    /// them. Beyond: no answer.
    /// </summary>
    public const int AnswersPerHour = 12;

    /// <summary>Longest challenge or answer that is read.</summary>
    public const int MaxMessageLength = 4096 + 1024;
}
