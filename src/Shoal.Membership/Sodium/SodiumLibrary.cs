using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Shoal.Membership;

/// <summary>
/// libsodium, found by name at run time, so that a machine without it can do everything else. Safe to use from any thread.
/// </summary>
public sealed unsafe class SodiumLibrary
{
    // Debian, Ubuntu and Fedora name it by version; macOS and Windows by the plain name.
    private static readonly string[] Names = ["libsodium.so.23", "libsodium.so.26", "libsodium", "sodium"];

    private readonly nint _library;

    private SodiumLibrary(nint library) => _library = library;

    /// <summary>Finds the library and makes it ready.</summary>
    public static bool TryLoad([NotNullWhen(true)] out SodiumLibrary? library) => TryLoad(Names, out library);

    /// <inheritdoc cref="TryLoad(out SodiumLibrary?)"/>
    public static bool TryLoad(IReadOnlyList<string> names, [NotNullWhen(true)] out SodiumLibrary? library)
    {
        ArgumentNullException.ThrowIfNull(names);
        foreach (var name in names)
        {
            if (
                NativeLibrary.TryLoad(name, out var handle)
                && NativeLibrary.TryGetExport(handle, "sodium_init", out var init)
                // 0: done; 1: it was done before.
                && ((delegate* unmanaged<int>)init)() >= 0
            )
            {
                library = new SodiumLibrary(handle);
                return true;
            }
        }

        library = null;
        return false;
    }

    /// <summary>The address of a function.</summary>
    public bool TryGet(string function, out nint address) =>
        NativeLibrary.TryGetExport(_library, function, out address);
}
