using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Shoal.Protocol;

/// <summary>
/// SHA-256 of what trees are made of: blocks, and pairs of hashes. The same as <see cref="SHA256"/>, without what that does around each
/// call, which for two hashes is five times the hashing, and where two threads get in each other's way
/// (<c>docs/decisions/0028-trees-are-hashed-by-the-library-itself.md</c>). Safe to use from any thread.
/// </summary>
public static unsafe class TreeHash
{
    // SHA256_CTX has 112 bytes in all versions of OpenSSL.
    private const int StateWords = 16;

    /// <summary>The same library that the framework uses on Linux; elsewhere there is none of these names.</summary>
    private static readonly string[] Libraries = ["libcrypto.so.3", "libcrypto.so.1.1"];

    private static readonly Functions Found = Find(Libraries);

    /// <param name="data">Any length.</param>
    /// <param name="hash">32 bytes; may overlap the data.</param>
    public static void Compute(ReadOnlySpan<byte> data, Span<byte> hash)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(hash.Length, Sha256Digest.Size, nameof(hash));
        if (!Found.TryCompute(data, hash))
        {
            SHA256.HashData(data, hash);
        }
    }

    /// <summary>For tests too: whether a library of these names has what is needed, and computes what the framework computes.</summary>
    internal static bool IsFound(IReadOnlyList<string> libraries) => Find(libraries).IsThere;

    private static Functions Find(IReadOnlyList<string> libraries)
    {
        foreach (var name in libraries)
        {
            if (
                NativeLibrary.TryLoad(name, out var library)
                && NativeLibrary.TryGetExport(library, "SHA256_Init", out var init)
                && NativeLibrary.TryGetExport(library, "SHA256_Update", out var update)
                && NativeLibrary.TryGetExport(library, "SHA256_Final", out var final)
                && new Functions(init, update, final) is var found
                && found.IsRight()
            )
            {
                return found;
            }
        }

        return default;
    }

    private readonly struct Functions(nint init, nint update, nint final)
    {
        private readonly delegate* unmanaged<ulong*, int> _init = (delegate* unmanaged<ulong*, int>)init;
        private readonly delegate* unmanaged<ulong*, byte*, nuint, int> _update = (delegate* unmanaged<
            ulong*,
            byte*,
            nuint,
            int>)update;
        private readonly delegate* unmanaged<byte*, ulong*, int> _final = (delegate* unmanaged<
            byte*,
            ulong*,
            int>)final;

        public bool IsThere => _init is not null;

        public bool TryCompute(ReadOnlySpan<byte> data, Span<byte> hash)
        {
            if (!IsThere)
            {
                return false;
            }

            var state = stackalloc ulong[StateWords];
            fixed (byte* from = data)
            fixed (byte* to = hash)
            {
                return _init(state) == 1 && _update(state, from, (nuint)data.Length) == 1 && _final(to, state) == 1;
            }
        }

        /// <summary>Nobody depends on a library that says something else.</summary>
        public bool IsRight()
        {
            Span<byte> data = stackalloc byte[200];
            data.Fill(7);
            Span<byte> hash = stackalloc byte[Sha256Digest.Size];
            return TryCompute(data, hash) && hash.SequenceEqual(SHA256.HashData(data));
        }
    }
}
