using System.Buffers.Binary;
using System.Security.Cryptography;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>
/// By what the database tells the receipts of one member from those of another without its name: a keyed hash. Whoever has the database
/// alone cannot tell whose tag it is; whoever has the authority's key can try all members. Safe from any thread.
/// </summary>
internal sealed class ReceiptTags(Issuer issuer)
{
    public const int Size = 16;

    private readonly byte[] _key = issuer.DeriveKey("shoal receipt tags 1"u8);
    private (RevocationList? List, HashSet<UInt128> Tags) _revoked = (null, []);
    private readonly Lock _lock = new();

    public UInt128 Of(MemberId member)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, member.Span, hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    /// <summary>The tags of everybody on the list; null: of nobody.</summary>
    public IReadOnlySet<UInt128> Of(RevocationList? list)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(list, _revoked.List))
            {
                _revoked = (list, [.. (list?.Members ?? []).Select(Of)]);
            }

            return _revoked.Tags;
        }
    }
}
