namespace Shoal.Engine;

/// <summary>Where the datagrams of one connection go.</summary>
internal interface IUtpOutput
{
    /// <summary>Sends now or not at all; the bytes are the caller's again afterwards.</summary>
    /// <param name="datagrams">One after the other.</param>
    /// <param name="segmentSize">The length of each; the last may be shorter.</param>
    /// <param name="isProbe">Must not be taken apart on the way (DF); then there is one datagram.</param>
    /// <returns>
    /// How many left, counted from the first. Fewer than all: there is no room now, which is not loss. Of a probe, -1:
    /// known to be too long.
    /// </returns>
    int Send(ReadOnlySpan<byte> datagrams, int segmentSize, bool isProbe);
}
