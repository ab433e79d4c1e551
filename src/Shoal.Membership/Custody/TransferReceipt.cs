using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Membership;

/// <summary>What somebody sent.</summary>
/// <param name="Sender">A member.</param>
/// <param name="Bytes">Of content that was proven; from 1.</param>
public readonly record struct ReceivedShare(MemberId Sender, long Bytes);

/// <summary>What a receiver says it got, of one content, from the beginning until now.</summary>
public sealed record ReceiptFields
{
    public required ReceiptContent Content { get; init; }

    /// <summary>
    /// Counts up: a receipt replaces the receiver's former one with a lower number, whatever it said. So one that comes twice counts
    /// once.
    /// </summary>
    public required long Number { get; init; }

    /// <summary>When it began to receive, by the receiver's clock, in whole seconds.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>When it signed.</summary>
    public required DateTimeOffset Until { get; init; }

    /// <summary>It has all of it.</summary>
    public required bool IsComplete { get; init; }

    /// <summary>Each sender once, ascending; up to <see cref="CustodyLimits.MaxSenders"/>.</summary>
    public required IReadOnlyList<ReceivedShare> Senders { get; init; }

    /// <summary>From all of them.</summary>
    public long Total => Senders.Sum(share => share.Bytes);

    /// <summary>From this one.</summary>
    public long From(MemberId sender) => Senders.Where(share => share.Sender == sender).Sum(share => share.Bytes);
}

/// <summary>
/// A receiver's signed word of what it got from whom. Immutable. It proves that the receiver says so: what a sender gets credit for, it
/// cannot write itself, and a receiver can invent no more than <see cref="CustodyLimits.MaxCopies"/> of the content.
/// docs/formats/receipts.md describes the bytes.
/// </summary>
public sealed class TransferReceipt
{
    /// <summary>Bytes of a sender: its id, and a number.</summary>
    internal const int SenderSize = MemberId.Size + sizeof(long);

    private static readonly CustodyForm<ReceiptFields> Form = new()
    {
        Name = "receipt"u8.ToArray(),
        Purpose = "shoal transfer receipt 1\0"u8.ToArray(),
        MaxLength = CustodyLimits.MaxReceiptLength,
        Read = ReadBody,
        Write = WriteBody,
        IsSound = IsSound,
        ContentOf = fields => fields.Content,
        SignedAt = fields => fields.Until,
    };

    private TransferReceipt(ReceiptFields fields, MemberId receiver, byte[] encoded) =>
        (Fields, Receiver, Encoded) = (fields, receiver, encoded);

    public ReceiptFields Fields { get; }

    /// <summary>Who signed.</summary>
    public MemberId Receiver { get; }

    /// <summary>With certificate and signature, as it is passed on.</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    /// <summary>Signs.</summary>
    /// <exception cref="ArgumentException">A field is out of its bounds.</exception>
    public static byte[] Sign(ReceiptFields fields, MemberIdentity identity, ReadOnlySpan<byte> certificate) =>
        Form.Sign(fields, identity, certificate);

    /// <summary>
    /// Reads a receipt of a stranger and checks who signed it: a member whose certificate was good when it did, and who is not
    /// revoked now. That it counts is for <see cref="WhatIsWrong"/> to say.
    /// </summary>
    public static bool TryRead(
        ReadOnlySpan<byte> encoded,
        MembershipVerifier verifier,
        RevocationList? revoked,
        [NotNullWhen(true)] out TransferReceipt? receipt,
        out MembershipFault fault
    )
    {
        receipt = Form.TryRead(encoded, verifier, revoked, out var fields, out var signer, out fault)
            ? new TransferReceipt(fields, signer.Member, encoded.ToArray())
            : null;
        return receipt is not null;
    }

    /// <summary>Says in a few words why the receipt cannot be true; null: it can.</summary>
    /// <param name="size">Bytes of the content.</param>
    public string? WhatIsWrong(long size) =>
        Fields.From(Receiver) > 0 ? "nobody receives from himself"
        : Fields.Total > (Int128)size * CustodyLimits.MaxCopies
            ? $"more than {CustodyLimits.MaxCopies} times the content"
        : null;

    private static bool IsSound(ReceiptFields fields)
    {
        if (
            fields.Content.Version < 1
            || fields.Number < 1
            || fields.Since > fields.Until
            || fields.Senders.Count > CustodyLimits.MaxSenders
        )
        {
            return false;
        }

        // The sum is bounded too: no sender's number can turn it around.
        Int128 total = 0;
        for (var i = 0; i < fields.Senders.Count; i++)
        {
            total += fields.Senders[i].Bytes;
            if (fields.Senders[i].Bytes < 1 || (i > 0 && fields.Senders[i - 1].Sender >= fields.Senders[i].Sender))
            {
                return false;
            }
        }

        return total <= long.MaxValue;
    }

    private static byte[] WriteBody(ReceiptFields fields)
    {
        var senders = new byte[fields.Senders.Count * SenderSize];
        for (var i = 0; i < fields.Senders.Count; i++)
        {
            var at = senders.AsSpan(i * SenderSize, SenderSize);
            fields.Senders[i].Sender.Span.CopyTo(at);
            BinaryPrimitives.WriteInt64BigEndian(at[MemberId.Size..], fields.Senders[i].Bytes);
        }

        var output = new ArrayBufferWriter<byte>();
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.Entry("complete"u8, fields.IsComplete ? 1 : 0);
        writer.Entry("entry"u8, fields.Content.Entry.ToArray());
        writer.Entry("number"u8, fields.Number);
        writer.Entry("publication"u8, fields.Content.Publication.Span);
        writer.Entry("senders"u8, senders);
        writer.Entry("since"u8, fields.Since.ToUnixTimeSeconds());
        writer.Entry("torrent"u8, fields.Content.Torrent.Span);
        writer.Entry("until"u8, fields.Until.ToUnixTimeSeconds());
        writer.Entry("version"u8, fields.Content.Version);
        writer.End();
        return output.WrittenSpan.ToArray();
    }

    private static ReceiptFields? ReadBody(ReadOnlySpan<byte> body)
    {
        Span<BencodeToken> table = stackalloc BencodeToken[48];
        if (
            !Bencode.TryParse(body, table, BencodeMode.Strict, out var root, out _)
            || root.Count != 9
            || !root.Find("complete"u8).TryGetInteger(out var complete)
            || !CustodyFields.TryReadContent(root, out var content)
            || !root.Find("number"u8).TryGetInteger(out var number)
            || !root.Find("senders"u8).TryGetBytes(out var senders)
            || !CustodyFields.TryReadTime(root, "since"u8, out var since)
            || !CustodyFields.TryReadTime(root, "until"u8, out var until)
            || complete is not (0 or 1)
            || senders.Length % SenderSize != 0
            || senders.Length > CustodyLimits.MaxSenders * SenderSize
        )
        {
            return null;
        }

        var shares = new ReceivedShare[senders.Length / SenderSize];
        for (var i = 0; i < shares.Length; i++)
        {
            var at = senders.Slice(i * SenderSize, SenderSize);
            shares[i] = new ReceivedShare(
                new MemberId(at[..MemberId.Size]),
                BinaryPrimitives.ReadInt64BigEndian(at[MemberId.Size..])
            );
        }

        return new ReceiptFields
        {
            Content = content,
            Number = number,
            Since = since,
            Until = until,
            IsComplete = complete == 1,
            Senders = shares,
        };
    }
}
