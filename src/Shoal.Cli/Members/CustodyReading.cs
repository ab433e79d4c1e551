using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>A member's claim: what it has signed.</summary>
/// <param name="IsRevoked">It is none any more, says the hub.</param>
/// <param name="FromOrigin">Bytes from the content's publisher.</param>
internal sealed record KnownClaim(MemberId Member, bool IsRevoked, ReceiptFields Fields, long FromOrigin)
{
    public long FromMembers => Fields.Total - FromOrigin;

    public bool IsCopy => Fields.IsComplete && !IsRevoked;
}

/// <summary>Reads what a hub knows of copies, and believes only what is signed.</summary>
internal static class CustodyReading
{
    /// <summary>The claims that are good; those that are not are left out.</summary>
    public static async Task<IReadOnlyList<KnownClaim>> ListAsync(
        HubClient hub,
        LocalMembership membership,
        KnownEntry entry,
        CancellationToken cancel
    )
    {
        var verifier = new MembershipVerifier(membership.Authority);
        var claims = new Dictionary<MemberId, KnownClaim>();
        string? after = null;
        do
        {
            var page = await hub.ListClaimsAsync(entry.Fields.Id, entry.Fields.Version, after, cancel);
            foreach (var claim in page.Claims)
            {
                if (Read(claim, entry.Entry, verifier) is { } known)
                {
                    claims[known.Member] = known;
                }
            }

            // A page that leads to itself would never end.
            after = page.Next is { } next && page.Claims.Count > 0 && next != after ? next : null;
        } while (after is not null);

        return [.. claims.Values];
    }

    /// <summary>The hub's sums are those of the claims.</summary>
    public static bool AreProvenBy(CustodyFigures figures, IReadOnlyList<KnownClaim> claims) =>
        figures.Receivers == claims.Count
        && figures.FromOrigin == claims.Sum(one => one.FromOrigin)
        && figures.FromMembers == claims.Sum(one => one.FromMembers)
        && figures.Copies == claims.Count(one => one.IsCopy);

    /// <summary>The last challenge of each of those who claim a copy now.</summary>
    public static (long Proven, long Failed) Count(IReadOnlyList<KnownClaim> claims, ChallengeNotes notes)
    {
        var judged = claims
            .Where(one => one.IsCopy)
            .Select(one => notes.All.GetValueOrDefault(one.Member)?.Verdict)
            .ToList();
        return (
            judged.Count(verdict => verdict == CustodyVerdict.Proven),
            judged.Count(verdict => verdict is CustodyVerdict.Wrong or CustodyVerdict.Missing)
        );
    }

    public static string NameOf(CustodyVerdict verdict) =>
        verdict switch
        {
            CustodyVerdict.Proven => "proven",
            CustodyVerdict.Wrong => "wrong",
            CustodyVerdict.Missing => "missing",
            _ => "invalid",
        };

    // Who was revoked since has signed all the same; that it has no copy that counts, the claim says.
    private static KnownClaim? Read(CustodyClaim claim, CatalogueEntry entry, MembershipVerifier verifier) =>
        TransferReceipt.TryRead(claim.Receipt, verifier, null, out var receipt, out _)
        && receipt.Receiver.ToString() == claim.Member
        && receipt.Fields.Content == ReceiptContent.Of(entry.Fields)
        && receipt.WhatIsWrong(entry.Fields.Size) is null
            ? new KnownClaim(receipt.Receiver, claim.Revoked, receipt.Fields, receipt.Fields.From(entry.Publisher))
            : null;
}
