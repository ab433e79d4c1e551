using System.Diagnostics;

namespace Shoal.InteropTests;

/// <summary>
/// A shell that waits for this program to end, however it ends, and then removes what labs may have left:
/// processes, namespaces, mounts and files. Without it a killed test run would leave clients running.
/// </summary>
internal static class Warden
{
    private static readonly Lock s_gate = new();
    private static bool s_begun;

    /// <summary>The folder for everything the tests write; the warden removes it.</summary>
    public static string Folder { get; } = Path.Combine(Path.GetTempPath(), $"shoal-interop-{Environment.ProcessId}");

    public static void Begin()
    {
        lock (s_gate)
        {
            if (s_begun)
            {
                return;
            }
            Assert.True(
                OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess,
                "The interop tests make their own networks (ip netns) and so need Linux and root: run them with sudo."
            );
            Tools.Require("ip", "setsid", "tail");
            Directory.CreateDirectory(Folder);
            const string script = """
                exec </dev/null >/dev/null 2>&1
                tail --pid="$1" -f /dev/null
                for n in $(ip netns list | grep -o "^shoal-$1-[^ ]*"); do
                  kill -9 $(ip netns pids "$n")
                  ip netns del "$n"
                done
                for m in $(awk '{print $2}' /proc/mounts | grep "^$2/"); do umount -l "$m"; done
                rm -rf "$2"
                """;
            Process.Start("setsid", ["sh", "-c", script, "sh", $"{Environment.ProcessId}", Folder]).Dispose();
            s_begun = true;
        }
    }
}
