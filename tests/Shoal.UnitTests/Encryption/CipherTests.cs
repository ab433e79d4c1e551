using System.Numerics;
using System.Text.Json;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class CipherTests
{
    private static readonly JsonElement Vectors = TestVectors.Load("mse.json").RootElement;

    private static readonly BigInteger Prime = Number(
        Convert.FromHexString(Vectors.GetProperty("prime_hex").GetString()!)
    );

    [Fact]
    public void Rc4_gives_the_stream_of_rfc_6229()
    {
        foreach (var vector in Vectors.GetProperty("rc4_rfc6229_after_skip").EnumerateArray())
        {
            var key = Convert.FromHexString(vector.GetProperty("key").GetString()!);
            Assert.Equal(vector.GetProperty("at_1024").GetString(), Stream(new Rc4(key), 16));
            Assert.Equal(vector.GetProperty("at_4096").GetString(), Stream(new Rc4(key, discard: 4096), 16));
        }
    }

    /// <summary>Beside the algorithm as it is written down, which is too slow for anything else.</summary>
    [Fact]
    public void Rc4_gives_what_the_algorithm_gives() =>
        Fuzz.Run(
            rounds: 50,
            random =>
            {
                var key = new byte[random.Next(1, 257)];
                random.NextBytes(key);
                var state = Enumerable.Range(0, 256).ToArray();
                for (var (x, y) = (0, 0); x < 256; x++)
                {
                    y = (y + state[x] + key[x % key.Length]) % 256;
                    (state[x], state[y]) = (state[y], state[x]);
                }

                var expected = new byte[5000];
                for (var (i, x, y) = (0, 0, 0); i < expected.Length; i++)
                {
                    x = (x + 1) % 256;
                    y = (y + state[x]) % 256;
                    (state[x], state[y]) = (state[y], state[x]);
                    expected[i] = (byte)state[(state[x] + state[y]) % 256];
                }

                var cipher = new Rc4(key, discard: 0);
                var actual = new byte[expected.Length];
                for (var at = 0; at < actual.Length; )
                {
                    var length = Math.Min(random.Next(600), actual.Length - at);
                    cipher.Apply(actual.AsSpan(at, length));
                    at += length;
                }

                Assert.Equal(expected, actual);
            }
        );

    [Fact]
    public void Rc4_gives_the_same_however_the_data_is_cut()
    {
        var random = new Random(5);
        var whole = new byte[1000];
        new Rc4([1, 2, 3]).Apply(whole);
        for (var round = 0; round < 50; round++)
        {
            var cipher = new Rc4([1, 2, 3]);
            var parts = new byte[1000];
            for (var at = 0; at < parts.Length; )
            {
                var length = Math.Min(random.Next(40), parts.Length - at);
                cipher.Apply(parts.AsSpan(at, length));
                at += length;
            }

            Assert.Equal(whole, parts);
        }
    }

    [Fact]
    public void The_key_exchange_computes_what_plain_arithmetic_computes() =>
        Fuzz.Run(
            rounds: 300,
            random =>
            {
                var exponent = new byte[DiffieHellman.ExponentSize];
                random.NextBytes(exponent.AsSpan(random.Next(exponent.Length)));
                var key = new byte[DiffieHellman.KeySize];
                random.NextBytes(key.AsSpan(random.Next(key.Length)));
                var result = new byte[DiffieHellman.KeySize];

                DiffieHellman.PublicKey(exponent, result);
                Assert.Equal(BigInteger.ModPow(2, Number(exponent), Prime), Number(result));

                if (DiffieHellman.TrySharedSecret(key, exponent, result))
                {
                    Assert.Equal(BigInteger.ModPow(Number(key), Number(exponent), Prime), Number(result));
                }
                else
                {
                    Assert.True(Number(key) < 2 || Number(key) > Prime - 2);
                }
            }
        );

    [Fact]
    public void Keys_that_make_the_secret_predictable_are_rejected()
    {
        var exponent = Enumerable.Repeat((byte)7, DiffieHellman.ExponentSize).ToArray();
        var secret = new byte[DiffieHellman.KeySize];
        foreach (var key in Keys("dh_must_reject_hex"))
        {
            Assert.False(DiffieHellman.TrySharedSecret(key, exponent, secret), Convert.ToHexString(key));
        }

        Assert.False(DiffieHellman.TrySharedSecret(Enumerable.Repeat((byte)255, 96).ToArray(), exponent, secret));
        foreach (var key in Keys("dh_must_accept_hex"))
        {
            Assert.True(DiffieHellman.TrySharedSecret(key, exponent, secret), Convert.ToHexString(key));
        }
    }

    private static IEnumerable<byte[]> Keys(string list) =>
        Vectors.GetProperty(list).EnumerateArray().Select(key => Convert.FromHexString(key.GetString()!));

    private static string Stream(Rc4 cipher, int length)
    {
        var bytes = new byte[length];
        cipher.Apply(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    private static BigInteger Number(byte[] bytes) => new(bytes, isUnsigned: true, isBigEndian: true);
}
