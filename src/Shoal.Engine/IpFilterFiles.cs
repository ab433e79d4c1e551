using System.Buffers.Binary;
using System.IO.Compression;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>A list of addresses could not be read. The message names the file and, where it is one line, that line.</summary>
public sealed class IpFilterException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Reads lists of addresses: DAT, P2P and CIDR, plain or gzipped.</summary>
public static class IpFilterFiles
{
    /// <summary>All lists as one filter.</summary>
    /// <exception cref="IpFilterException">A file cannot be read, or is wrong.</exception>
    public static IpFilter Read(IReadOnlyList<string> files, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(files);
        var limits = IpFilterLimits.Default;
        var builder = new IpFilterBuilder(limits);
        foreach (var path in files)
        {
            var reader = new IpFilterReader(limits, builder);
            try
            {
                Read(path, reader, cancellation);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new IpFilterException($"cannot read the IP filter '{path}': {exception.Message}", exception);
            }
            catch (InvalidDataException exception)
            {
                throw new IpFilterException($"the IP filter '{path}' does not unpack: {exception.Message}", exception);
            }

            if (reader.Error is { } error)
            {
                throw new IpFilterException($"the IP filter '{path}' is wrong in line {reader.Line}: {error}");
            }
        }

        return builder.Build();
    }

    private static void Read(string path, IpFilterReader reader, CancellationToken cancellation)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1);
        Span<byte> magic = stackalloc byte[2];
        var isPacked = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false) == 2 && magic is [0x1F, 0x8B];
        if (magic is [(byte)'P', (byte)'K'])
        {
            throw new IpFilterException($"the IP filter '{path}' is a zip archive; unpack it first");
        }

        // Of the last part of a packed file the last four bytes say how long it is unpacked (RFC 1952).
        Span<byte> trailer = stackalloc byte[4];
        file.Position = Math.Max(0, file.Length - trailer.Length);
        file.ReadAtLeast(trailer, trailer.Length, throwOnEndOfStream: false);
        file.Position = 0;
        uint total = 0;
        using var content = isPacked ? (Stream)new GZipStream(file, CompressionMode.Decompress) : file;
        var buffer = new byte[256 * 1024];
        int length;
        while ((length = content.Read(buffer)) > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            total = unchecked(total + (uint)length);
            if (!reader.TryRead(buffer.AsSpan(0, length)))
            {
                return;
            }
        }

        // The framework takes a file that is cut off for one that ends there.
        if (isPacked && total != BinaryPrimitives.ReadUInt32LittleEndian(trailer))
        {
            throw new InvalidDataException("it is cut off, or was packed in several parts");
        }

        reader.TryFinish();
    }
}
