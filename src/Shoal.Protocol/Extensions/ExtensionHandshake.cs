using System.Buffers;
using System.Net;
using System.Text;

namespace Shoal.Protocol;

/// <summary>
/// The message with extended id 0 (BEP 10): which extensions a peer speaks, under which ids, and what it says about
/// itself. Every part is optional; what is missing or makes no sense is null.
/// </summary>
public sealed record ExtensionHandshake
{
    /// <summary>The extended id of this message.</summary>
    public const byte Id = 0;

    /// <summary>
    /// Most extensions kept of one message, and the longest name in bytes: others are ignored. Clients in use send
    /// about ten.
    /// </summary>
    public const int MaxMessages = 64;

    private const int MaxNameLength = 64;

    // Values in one message; a handshake in use has about 40. 16 bytes each, on the stack.
    private const int MaxValues = 512;

    /// <summary>
    /// Names of extensions and the ids under which the sender wants to get their messages. BEP 10: "Setting an
    /// extension number to zero means that the extension is not supported/disabled."; "the m dictionary is
    /// additive", so names that are not here keep what an earlier message said.
    /// </summary>
    public IReadOnlyDictionary<string, byte> Messages { get; init; } = new Dictionary<string, byte>();

    /// <summary>v: name and version, made safe to print.</summary>
    public string? Client { get; init; }

    /// <summary>p: the port on which the sender listens for TCP.</summary>
    public ushort? Port { get; init; }

    /// <summary>reqq: "the number of outstanding request messages this client supports without dropping any", from 1.</summary>
    public int? RequestQueue { get; init; }

    /// <summary>yourip: the address under which the sender sees the receiver.</summary>
    public IPAddress? YourAddress { get; init; }

    /// <summary>ipv4: another address of the sender.</summary>
    public IPAddress? IPv4 { get; init; }

    /// <summary>ipv6: another address of the sender.</summary>
    public IPAddress? IPv6 { get; init; }

    /// <summary>metadata_size (BEP 9), in bytes, from 1. A claim: the caller knows how much is too much.</summary>
    public int? MetadataSize { get; init; }

    /// <summary>upload_only (BEP 21): the sender fetches nothing more.</summary>
    public bool? IsUploadOnly { get; init; }

    /// <summary>e: the sender prefers encrypted connections (BEP 11 gives it a flag).</summary>
    public bool? PrefersEncryption { get; init; }

    /// <summary>Reads what follows the extended id; false if it is no dictionary.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out ExtensionHandshake handshake)
    {
        handshake = null!;
        Span<BencodeToken> table = stackalloc BencodeToken[MaxValues];
        // Bytes after the dictionary are tolerated: BEP 10 does not say that the message ends with it.
        if (
            !Bencode.TryParse(payload, table, BencodeMode.Lenient, out var root, out _, allowTrailing: true)
            || !root.IsDictionary
        )
        {
            return false;
        }

        var uploadOnly = root.Find("upload_only"u8);
        var encryption = root.Find("e"u8);
        handshake = new ExtensionHandshake
        {
            Messages = ReadMessages(root.Find("m"u8)),
            Client = root.Find("v"u8) is { IsString: true } name ? ClientName.Sanitize(name.Bytes) : null,
            Port = (ushort?)ReadInteger(root.Find("p"u8), ushort.MaxValue),
            RequestQueue = ReadInteger(root.Find("reqq"u8), int.MaxValue),
            YourAddress = ReadAddress(root.Find("yourip"u8).Bytes, 4, 16),
            IPv4 = ReadAddress(root.Find("ipv4"u8).Bytes, 4, 4),
            IPv6 = ReadAddress(root.Find("ipv6"u8).Bytes, 16, 16),
            MetadataSize = ReadInteger(root.Find("metadata_size"u8), int.MaxValue),
            IsUploadOnly = uploadOnly.IsInteger ? uploadOnly.IntegerOr(0) != 0 : null,
            PrefersEncryption = encryption.IsInteger ? encryption.IntegerOr(0) != 0 : null,
        };
        return true;
    }

    /// <summary>What follows the extended id.</summary>
    public byte[] Write()
    {
        var output = new ArrayBufferWriter<byte>(256);
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        WriteInteger(writer, "e"u8, PrefersEncryption is { } prefersEncryption ? (prefersEncryption ? 1 : 0) : null);
        WriteAddress(writer, "ipv4"u8, IPv4);
        WriteAddress(writer, "ipv6"u8, IPv6);
        writer.String("m"u8);
        writer.BeginDictionary();
        foreach (var (name, id) in Messages.OrderBy(message => message.Key, StringComparer.Ordinal))
        {
            writer.Entry(Encoding.UTF8.GetBytes(name), id);
        }

        writer.End();
        WriteInteger(writer, "metadata_size"u8, MetadataSize);
        WriteInteger(writer, "p"u8, Port);
        WriteInteger(writer, "reqq"u8, RequestQueue);
        WriteInteger(writer, "upload_only"u8, IsUploadOnly is { } isUploadOnly ? (isUploadOnly ? 1 : 0) : null);
        if (Client is not null)
        {
            writer.Entry("v"u8, Client);
        }

        WriteAddress(writer, "yourip"u8, YourAddress);
        writer.End();
        return output.WrittenSpan.ToArray();
    }

    private static Dictionary<string, byte> ReadMessages(BencodeNode node)
    {
        var messages = new Dictionary<string, byte>(StringComparer.Ordinal);
        foreach (var entry in node.Entries)
        {
            // Ids are one byte on the wire; names outside ASCII belong to nothing we will ever look for.
            if (
                messages.Count < MaxMessages
                && entry.Key.Length is > 0 and <= MaxNameLength
                && System.Text.Ascii.IsValid(entry.Key)
                && entry.Value.TryGetInteger(out var id)
                && id is >= 0 and <= byte.MaxValue
            )
            {
                messages[Encoding.ASCII.GetString(entry.Key)] = (byte)id;
            }
        }

        return messages;
    }

    private static int? ReadInteger(BencodeNode node, int most) =>
        node.TryGetInteger(out var value) && value > 0 && value <= most ? (int)value : null;

    private static IPAddress? ReadAddress(ReadOnlySpan<byte> bytes, int oneLength, int otherLength) =>
        bytes.Length == oneLength || bytes.Length == otherLength ? CompactPeers.Unmap(new IPAddress(bytes)) : null;

    private static void WriteInteger(BencodeWriter writer, ReadOnlySpan<byte> key, int? value)
    {
        if (value is { } integer)
        {
            writer.Entry(key, integer);
        }
    }

    private static void WriteAddress(BencodeWriter writer, ReadOnlySpan<byte> key, IPAddress? address)
    {
        if (address is not null)
        {
            writer.Entry(key, CompactPeers.Unmap(address).GetAddressBytes());
        }
    }
}
