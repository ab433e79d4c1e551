using System.Runtime.InteropServices;

namespace Shoal.Engine;

/// <summary>
/// Tells files from what only looks like one: opening a pipe waits, for ever perhaps, for somebody at its other end,
/// and reading a device may never end.
/// </summary>
internal static partial class SpecialFiles
{
    private const int TypeMask = 0xF000;
    private const int Regular = 0x8000;
    private const int Folder = 0x4000;

    /// <summary>
    /// Whether a pipe, a socket or a device stands at the path. Links are followed. False where nothing can be told.
    /// </summary>
    public static bool IsAt(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return false;
        }

        // .NET knows the type and does not tell; its own native part says it the same way on every Unix. The record
        // is about 120 bytes and begins with flags and mode.
        Span<int> status = stackalloc int[64];
        return Status(path, ref MemoryMarshal.GetReference(status)) == 0
            && (status[1] & TypeMask) is not (Regular or Folder);
    }

    /// <exception cref="IOException">There is one.</exception>
    public static void Refuse(string path)
    {
        if (IsAt(path))
        {
            throw new IOException($"'{path}' is a pipe, a socket or a device, not a file");
        }
    }

    [LibraryImport("libSystem.Native", EntryPoint = "SystemNative_Stat", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(string path, ref int status);
}
