using System.Security.Cryptography;
using Shoal.Membership;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Keys of installations: what they sign, and how they lie on disk.</summary>
public sealed class MemberKeyTests
{
    private const long LittleMemory = 8 * 1024;

    [Fact]
    public void A_key_comes_back_and_is_no_other()
    {
        using var identity = MemberIdentity.Create();
        using var again = MemberIdentity.Load(identity.Export());
        Assert.True(identity.PublicKey.Span.SequenceEqual(again.PublicKey.Span));
        var signature = identity.Sign("hello"u8);
        Assert.True(MemberIdentity.IsSigned(again.PublicKey.Span, "hello"u8, signature));
        Assert.False(MemberIdentity.IsSigned(again.PublicKey.Span, "Hello"u8, signature));
        Assert.False(MemberIdentity.IsSigned("no key"u8, "hello"u8, signature));
        Assert.False(MemberIdentity.IsSigned(again.PublicKey.Span, "hello"u8, []));
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.Throws<CryptographicException>(() => MemberIdentity.Load(p384.ExportPkcs8PrivateKey()));
    }

    [Fact]
    public void A_sealed_key_opens_with_its_passphrase_only()
    {
        var seal = PassphraseSeal.TryLoad();
        Assert.NotNull(seal);
        var closed = seal.Seal("secret"u8, "correct horse", Random(1), 1, LittleMemory);
        Assert.True(PassphraseSeal.IsSealed(closed));
        Assert.False(PassphraseSeal.IsSealed("d3:foo3:bare"u8));
        Assert.Equal(MembershipFault.None, seal.TryOpen(closed, "correct horse", out var secret));
        Assert.True(secret.AsSpan().SequenceEqual("secret"u8));
        Assert.Equal(MembershipFault.WrongPassphrase, seal.TryOpen(closed, "correct house", out secret));
        Assert.Empty(secret);
        var empty = seal.Seal([], "", Random(2), 1, LittleMemory);
        Assert.Equal(MembershipFault.None, seal.TryOpen(empty, "", out secret));
        Assert.Empty(secret);
    }

    [Fact]
    public void A_sealed_key_that_was_changed_does_not_open_and_costs_no_more_than_it_may()
    {
        var seal = PassphraseSeal.TryLoad()!;
        var closed = seal.Seal("secret"u8, "x", Random(1), 1, LittleMemory);
        Fuzz.Run(
            300,
            random =>
            {
                var mutated = Fuzz.Mutate(random, closed);
                // More memory is allowed, so it is not tried here.
                if (mutated.AsSpan().IndexOf("6:memoryi8192e"u8) >= 0)
                {
                    var fault = seal.TryOpen(mutated, "x", out _);
                    Assert.True(fault != MembershipFault.None || mutated.AsSpan().SequenceEqual(closed));
                }
            }
        );
        var greedy = seal.Seal("secret"u8, "x", Random(1), 1, LittleMemory).AsSpan();
        var at = greedy.IndexOf("6:memoryi8192e"u8);
        byte[] huge = [.. greedy[..at], .. "6:memoryi99999999999e"u8, .. greedy[(at + 14)..]];
        Assert.Equal(MembershipFault.Malformed, seal.TryOpen(huge, "x", out _));
    }

    private static byte[] Random(byte first)
    {
        var bytes = new byte[PassphraseSeal.RandomSize];
        bytes[0] = first;
        return bytes;
    }
}
