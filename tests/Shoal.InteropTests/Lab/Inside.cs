using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Shoal.InteropTests;

/// <summary>Runs code of the test itself on a machine of the lab: sockets belong to where they were opened.</summary>
internal static partial class Inside
{
    private const int NetworkNamespace = 0x40000000;

    /// <param name="host">Where.</param>
    /// <param name="code">Runs on a thread of its own, and nothing it starts elsewhere is on that machine.</param>
    public static T Run<T>(Host host, Func<T> code)
    {
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var there = File.OpenHandle($"/run/netns/{host.Namespace}");
                Assert.Equal(0, Enter(there, NetworkNamespace));
                result = code();
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Enter(SafeHandle space, int kind);
}
