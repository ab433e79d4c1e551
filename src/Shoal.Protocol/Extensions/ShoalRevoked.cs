using System.Buffers;

namespace Shoal.Protocol;

/// <summary>
/// Members of an invited swarm tell each other who is no member any more: a message of BEP 10 of our own, a dictionary with
/// one of these keys. Which list is good is not decided here.
/// </summary>
/// <param name="Version"><c>have</c>: the sender has the list with this number.</param>
/// <param name="Wanted"><c>want</c>: the sender asks for the list with this number, or a newer one.</param>
/// <param name="List"><c>list</c>: the list itself, signed.</param>
public readonly record struct ShoalRevoked(long Version = 0, long Wanted = 0, ReadOnlyMemory<byte> List = default)
{
    /// <summary>The name in the extension handshake.</summary>
    public const string Name = "shoal_revoked";

    // The dictionary, the key and the value, and keys that we do not know.
    private const int MaxValues = 32;

    /// <summary>Reads what follows the extended id. Keeps a part of <paramref name="payload"/>.</summary>
    /// <returns>False: the message is malformed.</returns>
    public static bool TryRead(byte[] payload, out ShoalRevoked message)
    {
        ArgumentNullException.ThrowIfNull(payload);
        message = default;
        Span<BencodeToken> table = stackalloc BencodeToken[MaxValues];
        if (
            !Bencode.TryParse(payload, table, BencodeMode.Lenient, out var root, out _, allowTrailing: true)
            || !root.IsDictionary
        )
        {
            return false;
        }

        var version = root.Find("have"u8).IntegerOr(0);
        var wanted = root.Find("want"u8).IntegerOr(0);
        var list = root.Find("list"u8);
        message = new ShoalRevoked(version, wanted, list.IsString ? payload.AsMemory(list.BytesRange) : default);
        return version >= 0 && wanted >= 0;
    }

    /// <summary>What follows the extended id.</summary>
    public byte[] Write()
    {
        var output = new ArrayBufferWriter<byte>(List.Length + 64);
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        if (Version > 0)
        {
            writer.Entry("have"u8, Version);
        }

        if (!List.IsEmpty)
        {
            writer.Entry("list"u8, List.Span);
        }

        if (Wanted > 0)
        {
            writer.Entry("want"u8, Wanted);
        }

        writer.End();
        return output.WrittenSpan.ToArray();
    }
}
