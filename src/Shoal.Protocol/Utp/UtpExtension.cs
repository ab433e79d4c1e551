namespace Shoal.Protocol;

/// <summary>Extensions of a packet: each begins with the kind of the next one and its own length.</summary>
public static class UtpExtension
{
    public const byte SelectiveAck = 1;

    /// <summary>
    /// Ours: means nothing and makes a packet longer, to find out how long packets may be. Others skip it, as they skip
    /// whatever they do not know.
    /// </summary>
    public const byte Padding = 0xa5;

    /// <summary>Bytes before the content of an extension.</summary>
    public const int HeaderSize = 2;

    /// <summary>The longest mask: a length of 255 is no multiple of four.</summary>
    public const int MaxSelectiveAck = 252;

    private const int MaxContent = 255;

    /// <summary>Writes the header of the only extension of a packet.</summary>
    public static void WriteHeader(Span<byte> to, int length)
    {
        to[0] = 0;
        to[1] = (byte)length;
    }

    /// <summary>Fills the whole span with padding extensions, the last ones of their packet.</summary>
    /// <param name="to">At least <see cref="HeaderSize"/> bytes.</param>
    public static void WritePadding(Span<byte> to)
    {
        while (!to.IsEmpty)
        {
            var size = Math.Min(to.Length, HeaderSize + MaxContent);
            // What is left must have room for a header of its own.
            if (to.Length - size == 1)
            {
                size--;
            }

            to[..size].Clear();
            to[0] = size == to.Length ? (byte)0 : Padding;
            to[1] = (byte)(size - HeaderSize);
            to = to[size..];
        }
    }
}
