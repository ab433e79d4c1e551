namespace Shoal.Protocol;

/// <summary>What checking hashes or blocks came to.</summary>
public enum MerkleVerdict
{
    /// <summary>Proven.</summary>
    Good,

    /// <summary>Proven wrong: whoever sent it lied, or the data is damaged.</summary>
    Bad,

    /// <summary>What it would be compared with is not known yet.</summary>
    Unknown,
}
