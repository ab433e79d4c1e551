namespace Shoal.Engine;

/// <summary>Packet numbers have 16 bits and wrap around.</summary>
internal static class UtpSequence
{
    /// <summary>How far the first is ahead of the second; negative: behind.</summary>
    public static int Ahead(ushort first, ushort second) => (short)(first - second);

    /// <summary>So many numbers further.</summary>
    public static ushort Plus(ushort number, int steps) => (ushort)(number + steps);
}
