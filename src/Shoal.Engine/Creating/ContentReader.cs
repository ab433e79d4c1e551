using Microsoft.Win32.SafeHandles;

namespace Shoal.Engine;

/// <summary>Why bytes of a torrent's content cannot be read.</summary>
/// <param name="File">Which file.</param>
/// <param name="IsMissing">It is not there, as opposed to: not readable or too short.</param>
/// <param name="Message">A sentence for the user.</param>
internal sealed record ContentFailure(ContentFile File, bool IsMissing, string Message);

/// <summary>
/// Reads a torrent's range from its files, in whatever order, holding one file open at a time. One for each
/// worker. What lies between files is zeros.
/// </summary>
internal sealed class ContentReader(IReadOnlyList<ContentFile> files) : IDisposable
{
    private SafeFileHandle? _handle;
    private ContentFile? _open;
    private int _at;

    public void Dispose() => Close();

    /// <summary>Fills the span from the given offset; null if all of it was read.</summary>
    public ContentFailure? Read(long offset, Span<byte> destination)
    {
        Seek(offset);
        while (!destination.IsEmpty)
        {
            if (_at == files.Count || offset < files[_at].Offset)
            {
                var next = _at == files.Count ? long.MaxValue : files[_at].Offset;
                var gap = (int)Math.Min(destination.Length, next - offset);
                destination[..gap].Clear();
                destination = destination[gap..];
                offset += gap;
                continue;
            }

            var file = files[_at];
            var length = (int)Math.Min(destination.Length, file.End - offset);
            if (ReadFile(file, offset - file.Offset, destination[..length]) is { } failure)
            {
                return failure;
            }

            destination = destination[length..];
            offset += length;
            if (offset == file.End)
            {
                _at++;
            }
        }

        return null;
    }

    /// <summary>The first file that ends behind the offset. Files stand in the order of their offsets.</summary>
    private void Seek(long offset)
    {
        var low = 0;
        var high = files.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (files[middle].End <= offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        _at = low;
    }

    private ContentFailure? ReadFile(ContentFile file, long position, Span<byte> destination)
    {
        try
        {
            if (_open != file)
            {
                Close();
                SpecialFiles.Refuse(file.DiskPath);
                _handle = File.OpenHandle(
                    file.DiskPath,
                    options: FileOptions.SequentialScan,
                    share: FileShare.ReadWrite | FileShare.Delete
                );
                _open = file;
            }

            while (!destination.IsEmpty)
            {
                var read = RandomAccess.Read(_handle!, destination, position);
                if (read == 0)
                {
                    return new ContentFailure(file, false, $"'{file.DiskPath}' is shorter than it should be");
                }

                destination = destination[read..];
                position += read;
            }

            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Close();
            var missing = exception is FileNotFoundException or DirectoryNotFoundException;
            return new ContentFailure(
                file,
                missing,
                missing ? $"'{file.DiskPath}' is missing" : $"'{file.DiskPath}' cannot be read: {exception.Message}"
            );
        }
    }

    private void Close()
    {
        _handle?.Dispose();
        _handle = null;
        _open = null;
    }
}
