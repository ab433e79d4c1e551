using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace Shoal.Daemon;

/// <summary>
/// The lines of the library's journal (docs/formats/library.md): 16 hexadecimal digits of the SHA-256 of the record, a space,
/// the record as JSON, a line feed. Reading never fails: a line that is not whole is left out and counted.
/// </summary>
internal static class LibraryLines
{
    private const int DigestDigits = 16;
    private const byte LineFeed = (byte)'\n';

    public static void Write(IBufferWriter<byte> output, LibraryRecord record)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(record, StateJson.Default.LibraryRecord);
        var line = output.GetSpan(DigestDigits + 1 + json.Length + 1);
        WriteDigest(json, line);
        line[DigestDigits] = (byte)' ';
        json.CopyTo(line[(DigestDigits + 1)..]);
        line[DigestDigits + 1 + json.Length] = LineFeed;
        output.Advance(DigestDigits + 1 + json.Length + 1);
    }

    /// <summary>What is left of all records, the later ones over the earlier.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="broken">Lines that could not be used; the last one of a file is so after a power cut.</param>
    public static Dictionary<string, LibraryEntry> Read(ReadOnlySpan<byte> bytes, out int broken)
    {
        var entries = new Dictionary<string, LibraryEntry>(StringComparer.Ordinal);
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        broken = 0;
        while (!bytes.IsEmpty)
        {
            var end = bytes.IndexOf(LineFeed);
            var line = end < 0 ? bytes : bytes[..end];
            bytes = end < 0 ? [] : bytes[(end + 1)..];
            if (end < 0 || !TryRead(line, out var record))
            {
                broken += line.IsEmpty ? 0 : 1;
            }
            else if (record.Put is { } entry)
            {
                entries[entry.Id] = Share(entry, texts);
            }
            else
            {
                entries.Remove(record.Gone!);
            }
        }

        return entries;
    }

    /// <summary>The same with one copy of what is said of many torrents, or twice of one.</summary>
    private static LibraryEntry Share(LibraryEntry entry, Dictionary<string, string> texts)
    {
        return entry with
        {
            InfoHashV1 = entry.InfoHashV1 == entry.Id ? entry.Id : entry.InfoHashV1,
            InfoHashV2 = entry.InfoHashV2 == entry.Id ? entry.Id : entry.InfoHashV2,
            SaveDirectory = One(entry.SaveDirectory)!,
            IncompleteDirectory = One(entry.IncompleteDirectory),
            Category = One(entry.Category),
            Labels = entry.Labels.Count == 0 ? [] : entry.Labels,
        };

        string? One(string? text) => text is null || texts.TryAdd(text, text) ? text : texts[text];
    }

    private static bool TryRead(ReadOnlySpan<byte> line, out LibraryRecord record)
    {
        record = new LibraryRecord();
        if (line.Length <= DigestDigits + 1 || line[DigestDigits] != ' ')
        {
            return false;
        }

        var json = line[(DigestDigits + 1)..];
        Span<byte> digest = stackalloc byte[DigestDigits];
        WriteDigest(json, digest);
        if (!digest.SequenceEqual(line[..DigestDigits]))
        {
            return false;
        }

        try
        {
            var read = JsonSerializer.Deserialize(json, StateJson.Default.LibraryRecord);
            if (read is not { Put: { Id.Length: > 0 } } and not { Gone: not null })
            {
                return false;
            }

            record = read;
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static void WriteDigest(ReadOnlySpan<byte> json, Span<byte> hex)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(json, digest);
        _ = Convert.TryToHexStringLower(digest[..(DigestDigits / 2)], hex, out _);
    }
}
