namespace Shoal.Protocol;

/// <summary>Which names a file system can hold.</summary>
public enum PathRules
{
    /// <summary>Anything but '/' and NUL; we replace control characters too.</summary>
    Posix,

    /// <summary>No reserved characters and device names, no dot or space at the ends.</summary>
    Windows,
}
