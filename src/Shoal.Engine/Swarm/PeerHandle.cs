namespace Shoal.Engine;

/// <summary>Names one connection of one torrent. Never used twice; 0 means none.</summary>
internal readonly record struct PeerHandle(int Value)
{
    public override string ToString() => $"#{Value}";
}
