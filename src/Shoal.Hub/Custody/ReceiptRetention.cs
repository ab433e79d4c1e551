namespace Shoal.Hub;

/// <summary>What a hub keeps of receipts; each keeps more than the one before. docs/security.md says what that means.</summary>
public enum ReceiptRetention
{
    /// <summary>Nothing: receipts are refused, and what was kept before is deleted.</summary>
    None,

    /// <summary>
    /// Sums over all members of a content. So that a receipt takes the place of its receiver's former one, its two sums are kept under a
    /// tag (<see cref="ReceiptTags"/>); who that is the database does not say, and the hub tells nobody. No challenges: nobody
    /// knows whom to ask.
    /// </summary>
    Sums,

    /// <summary>Also each member's last receipt as it was signed, with its name: publishers check it, see from whom, and challenge.</summary>
    Signed,
}

/// <summary>What hubs keep, as the contract and the command line write it.</summary>
public static class RetentionNames
{
    private static readonly string[] Names = ["none", "sums", "signed"];

    public static string Of(ReceiptRetention retention) => Names[(int)retention];

    public static bool TryParse(string? text, out ReceiptRetention retention)
    {
        var index = Array.IndexOf(Names, text);
        retention = (ReceiptRetention)Math.Max(index, 0);
        return index >= 0;
    }
}
