using System.Runtime.InteropServices;

namespace Shoal.Engine;

/// <summary>
/// Linux' calls for many datagrams at once, and the memory they work on. The tracker, which this project does not know,
/// has its own.
/// </summary>
internal static unsafe partial class LinuxMessages
{
    public const int DontWait = 0x40;
    public const int Truncated = 0x20;
    public const int SolUdp = 17;

    /// <summary>UDP_SEGMENT: the system cuts a long send into datagrams of this size.</summary>
    public const int UdpSegment = 103;

    /// <summary>UDP_GRO: datagrams of one sender come in as one long one, and this says where to cut it.</summary>
    public const int UdpGro = 104;

    public const int Interrupted = 4;
    public const int InputOutput = 5;
    public const int TryAgain = 11;
    public const int InvalidArgument = 22;
    public const int MessageTooLong = 90;
    public const int NoBuffers = 105;

    /// <summary>Takes up to so many datagrams; -1 with an error number.</summary>
    [LibraryImport("libc", EntryPoint = "recvmmsg", SetLastError = true)]
    public static partial int ReceiveMany(SafeHandle socket, Header* messages, uint count, int flags, void* timeout);

    /// <summary>Sends messages until one fails, and says how many; -1 with an error number if that is the first.</summary>
    [LibraryImport("libc", EntryPoint = "sendmmsg", SetLastError = true)]
    public static partial int SendMany(SafeHandle socket, Header* messages, uint count, int flags);

    /// <summary>struct mmsghdr: a struct msghdr and how many bytes came or went.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Header
    {
        public MessageHeader Message;
        public uint Length;
    }

    /// <summary>struct msghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MessageHeader
    {
        public byte* Name;
        public uint NameLength;
        public Vector* Vectors;
        public nuint VectorCount;
        public Control* Control;
        public nuint ControlLength;
        public int Flags;
    }

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Vector
    {
        public byte* Base;
        public nuint Length;
    }

    /// <summary>struct cmsghdr with room for one number.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Control
    {
        public nuint Length;
        public int Level;
        public int Type;
        public int Value;

        /// <summary>What <see cref="Length"/> counts before the value.</summary>
        public static int HeaderSize => sizeof(nuint) + 2 * sizeof(int);
    }
}
