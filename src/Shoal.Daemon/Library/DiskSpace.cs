namespace Shoal.Daemon;

/// <summary>How full a file system is.</summary>
internal static class DiskSpace
{
    /// <summary>Of the nearest folder above that is there; null: it cannot be found out.</summary>
    public static (long Free, long Total)? Of(string path)
    {
        try
        {
            for (var folder = path; folder is not null; folder = Path.GetDirectoryName(folder))
            {
                if (Directory.Exists(folder))
                {
                    var drive = new DriveInfo(folder);
                    return (drive.AvailableFreeSpace, drive.TotalSize);
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // A network folder that does not answer, a drive that is not there.
        }

        return null;
    }
}
