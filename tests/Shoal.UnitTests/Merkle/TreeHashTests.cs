using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.UnitTests;

public sealed class TreeHashTests
{
    [Fact]
    public void It_is_sha_256_of_any_length_and_in_place()
    {
        var random = new Random(3);
        foreach (var length in (int[])[0, 1, 31, 32, 55, 56, 63, 64, 65, 127, 128, 1000, 16_383, 16_384])
        {
            var data = new byte[length];
            random.NextBytes(data);
            var hash = new byte[Sha256Digest.Size];
            TreeHash.Compute(data, hash);
            Assert.Equal(SHA256.HashData(data), hash);
        }

        // As trees are made: the parent takes the place of its left child.
        var pair = new byte[2 * Sha256Digest.Size];
        random.NextBytes(pair);
        var parent = SHA256.HashData(pair);
        TreeHash.Compute(pair, pair.AsSpan(0, Sha256Digest.Size));
        Assert.Equal(parent, pair[..Sha256Digest.Size]);
        Assert.Throws<ArgumentOutOfRangeException>(() => TreeHash.Compute(pair, new byte[31]));
    }

    [Fact]
    public void A_library_that_is_not_there_or_lacks_the_functions_is_not_used()
    {
        Assert.False(TreeHash.IsFound([]));
        Assert.False(TreeHash.IsFound(["libnothing-of-that-name.so"]));
        if (OperatingSystem.IsLinux())
        {
            Assert.False(TreeHash.IsFound(["libc.so.6"]));
        }
    }
}
