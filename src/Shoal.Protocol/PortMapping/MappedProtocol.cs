namespace Shoal.Protocol;

/// <summary>What a router forwards to us. The values are those of IANA, which PCP sends.</summary>
public enum MappedProtocol : byte
{
    Tcp = 6,
    Udp = 17,
}
