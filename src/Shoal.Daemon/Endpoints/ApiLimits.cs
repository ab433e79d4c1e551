using Shoal.Members;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>What callers may send.</summary>
internal static class ApiLimits
{
    /// <summary>Bytes of a body with a torrent: the largest that is read, in base64, and what is around it.</summary>
    public static readonly long MaxUpload = MetainfoLimits.Default.MaxBytes * 4L / 3 + 1024 * 1024;

    /// <summary>Bytes of a form or body with several torrents. 32 MiB: some hundred usual ones.</summary>
    public const long MaxForm = 32 * 1024 * 1024;

    /// <summary>Torrents added in one call. Default 1,000: their files are synced one by one before it is answered.</summary>
    public const int MaxAdditions = 1000;

    /// <summary>Bytes of a body with an invitation or a passphrase. 16 KiB.</summary>
    public const long MaxSecret = 16 * 1024;

    /// <summary>Bytes of a body with the file of an offline invitation, in base64, and its passphrase.</summary>
    public const long MaxInvitation = FileJoining.MaxFile * 4L / 3 + MaxSecret;

    /// <summary>Event streams that one token or login reads at once. Default 32: pages in a browser, and apps, need one each. Beyond: 429.</summary>
    public const int MaxEventStreamsOfOne = 32;

    /// <summary>Bytes of any other body. 8 MiB: ids of 100,000 torrents, with room.</summary>
    public const long MaxBody = 8 * 1024 * 1024;
}
