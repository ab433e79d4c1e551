using System.Buffers;
using System.Buffers.Binary;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class TransferReceiptTests : IDisposable
{
    private readonly CustodyFixture _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void What_a_receiver_signs_is_read_again()
    {
        var fields = _world.Receipt();
        Assert.True(_world.TryRead(_world.Sign(fields), out TransferReceipt? receipt, out _));
        Assert.Equal(_world.Receiver.Member, receipt!.Receiver);
        Assert.Equal(fields with { Senders = receipt.Fields.Senders }, receipt.Fields);
        Assert.Equal(fields.Senders, receipt.Fields.Senders);
        Assert.Equal(1_000_000, receipt.Fields.Total);
        Assert.Equal(300_000, receipt.Fields.From(_world.Senders[0]));
        Assert.Equal(0, receipt.Fields.From(_world.Publisher.Member));
        Assert.Null(receipt.WhatIsWrong(CustodyFixture.Size));
    }

    [Fact]
    public void Who_is_none_or_was_revoked_or_is_of_another_publication_gives_no_receipt()
    {
        var signed = _world.Sign(_world.Receipt());
        Assert.False(_world.TryRead(signed, out TransferReceipt? _, out var fault, _world.Revoke(_world.Receiver)));
        Assert.Equal(MembershipFault.Revoked, fault);
        var late = _world.Receipt() with { Until = Authority.Now.AddDays(8) };
        Assert.False(_world.TryRead(_world.Sign(late), out TransferReceipt? _, out fault));
        Assert.Equal(MembershipFault.Expired, fault);
        var elsewhere = _world.Receipt() with { Content = _world.Content with { Publication = PublicationId.Of([1]) } };
        Assert.False(_world.TryRead(_world.Sign(elsewhere), out TransferReceipt? _, out fault));
        Assert.Equal(MembershipFault.OtherAuthority, fault);
        using var other = new Authority(2);
        var foreign = TransferReceipt.Sign(
            _world.Receipt(),
            _world.Identity,
            other.Issue(_world.Identity, other.Grant())
        );
        Assert.False(_world.TryRead(foreign, out TransferReceipt? _, out fault));
        Assert.Equal(MembershipFault.OtherAuthority, fault);
    }

    [Fact]
    public void A_signature_of_another_key_or_for_another_purpose_is_none()
    {
        using var thief = MemberIdentity.Create();
        var certificate = _world.Authority.Issue(_world.Identity, _world.Receiver);
        var forged = TransferReceipt.Sign(_world.Receipt(), thief, certificate);
        Assert.False(_world.TryRead(forged, out TransferReceipt? _, out var fault));
        Assert.Equal(MembershipFault.BadSignature, fault);

        // The same words, signed as if they were of a catalogue.
        Assert.True(SignedStatement.TryRead(_world.Sign(_world.Receipt()), "receipt"u8, 9999, out var good));
        var elsewhere = SignedStatement.Sign(
            "receipt"u8,
            "shoal catalogue entry 1\0"u8,
            good.Body,
            _world.Identity,
            certificate
        );
        Assert.False(_world.TryRead(elsewhere, out TransferReceipt? _, out fault));
        Assert.Equal(MembershipFault.BadSignature, fault);
    }

    [Fact]
    public void An_inflated_receipt_cannot_be_true()
    {
        string? Wrong(params ReceivedShare[] senders)
        {
            var fields = _world.Receipt() with { Senders = senders };
            Assert.True(_world.TryRead(_world.Sign(fields), out TransferReceipt? receipt, out _));
            return receipt!.WhatIsWrong(CustodyFixture.Size);
        }

        Assert.Null(Wrong(new ReceivedShare(_world.Senders[0], 2 * CustodyFixture.Size)));
        Assert.NotNull(Wrong(new ReceivedShare(_world.Senders[0], 2 * CustodyFixture.Size + 1)));
        Assert.NotNull(
            Wrong(
                new ReceivedShare(_world.Senders[0], CustodyFixture.Size),
                new ReceivedShare(_world.Senders[1], CustodyFixture.Size + 1)
            )
        );
        Assert.NotNull(Wrong(new ReceivedShare(_world.Senders[0], long.MaxValue)));
        Assert.Contains("himself", Wrong(new ReceivedShare(_world.Receiver.Member, 1)), StringComparison.Ordinal);
    }

    [Fact]
    public void Fields_have_bounds()
    {
        var share = new ReceivedShare(_world.Senders[0], 1);
        ReceiptFields[] bad =
        [
            _world.Receipt() with
            {
                Number = 0,
            },
            _world.Receipt() with
            {
                Content = _world.Content with { Version = 0 },
            },
            _world.Receipt() with
            {
                Since = Authority.Now.AddSeconds(1),
            },
            _world.Receipt() with
            {
                Senders = [share with { Bytes = 0 }],
            },
            _world.Receipt() with
            {
                Senders = [share with { Bytes = -1 }],
            },
            _world.Receipt() with
            {
                Senders = [share, share],
            },
            _world.Receipt() with
            {
                Senders = [new ReceivedShare(_world.Senders[1], 1), share],
            },
            _world.Receipt() with
            {
                Senders =
                [
                    new ReceivedShare(_world.Senders[0], long.MaxValue),
                    new ReceivedShare(_world.Senders[1], 1),
                ],
            },
            _world.Receipt() with
            {
                Senders = Many(CustodyLimits.MaxSenders + 1),
            },
        ];
        Assert.All(
            bad,
            fields => Assert.Throws<ArgumentException>(() => TransferReceipt.Sign(fields, _world.Identity, default))
        );
        var longest = _world.Sign(_world.Receipt() with { Senders = Many(CustodyLimits.MaxSenders) });
        Assert.True(longest.Length < CustodyLimits.MaxReceiptLength);
        Assert.True(_world.TryRead(longest, out TransferReceipt? _, out _));
    }

    [Fact]
    public void What_nobody_of_us_would_sign_is_not_read_though_it_is_signed()
    {
        // By hand: the same member twice, one of 0 bytes, half a sender, a key too many, a time that is none.
        static byte[] Share(MemberId member, long bytes)
        {
            var share = new byte[TransferReceipt.SenderSize];
            member.Span.CopyTo(share);
            BinaryPrimitives.WriteInt64BigEndian(share.AsSpan(MemberId.Size), bytes);
            return share;
        }

        var one = Share(_world.Senders[0], 5);
        Assert.True(_world.TryRead(Signed(one), out TransferReceipt? _, out _));
        byte[][] bad =
        [
            [.. one, .. one],
            Share(_world.Senders[0], 0),
            Share(_world.Senders[0], -5),
            one[1..],
            new byte[(CustodyLimits.MaxSenders + 1) * TransferReceipt.SenderSize],
        ];
        Assert.All(bad, senders => Assert.False(_world.TryRead(Signed(senders), out TransferReceipt? _, out _)));
        Assert.False(_world.TryRead(Signed(one, extra: true), out TransferReceipt? _, out _));
        Assert.False(_world.TryRead(Signed(one, until: -1), out TransferReceipt? _, out _));
        Assert.False(_world.TryRead(Signed(one, until: long.MaxValue), out TransferReceipt? _, out _));
        Assert.False(_world.TryRead(Signed(one, complete: 2), out TransferReceipt? _, out _));
    }

    [Fact]
    public void Whatever_is_changed_is_noticed_and_nothing_throws()
    {
        var good = _world.Sign(_world.Receipt());
        Fuzz.Run(
            3_000,
            random =>
            {
                var bytes = good.ToArray();
                bytes[random.Next(bytes.Length)] ^= (byte)random.Next(1, 256);
                if (random.Next(4) == 0)
                {
                    bytes = bytes[..random.Next(bytes.Length)];
                }

                Assert.False(_world.TryRead(bytes, out TransferReceipt? _, out _));
            }
        );
        Assert.False(_world.TryRead(new byte[CustodyLimits.MaxReceiptLength + 1], out TransferReceipt? _, out _));
    }

    [Fact]
    public void Any_body_that_a_member_signs_is_read_or_refused_without_a_throw()
    {
        // Who has a certificate can sign what he likes: the parser behind the signature sees that.
        Assert.True(SignedStatement.TryRead(_world.Sign(_world.Receipt()), "receipt"u8, 9999, out var statement));
        var (body, certificate) = (statement.Body.ToArray(), statement.Certificate.ToArray());
        Fuzz.Run(
            400,
            random =>
            {
                var changed = Fuzz.Mutate(random, body);
                var signed = SignedStatement.Sign(
                    "receipt"u8,
                    "shoal transfer receipt 1\0"u8,
                    changed,
                    _world.Identity,
                    certificate
                );
                if (_world.TryRead(signed, out TransferReceipt? receipt, out _))
                {
                    Assert.True(receipt!.Fields.Total >= 0);
                    Assert.All(receipt.Fields.Senders, share => Assert.True(share.Bytes > 0));
                }
            }
        );
    }

    private byte[] Signed(byte[] senders, bool extra = false, long? until = null, long complete = 1)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.Entry("complete"u8, complete);
        writer.Entry("entry"u8, _world.Content.Entry.ToArray());
        writer.Entry("number"u8, 12L);
        writer.Entry("publication"u8, _world.Content.Publication.Span);
        writer.Entry("senders"u8, senders);
        writer.Entry("since"u8, Authority.Now.ToUnixTimeSeconds());
        writer.Entry("torrent"u8, _world.Content.Torrent.Span);
        writer.Entry("until"u8, until ?? Authority.Now.ToUnixTimeSeconds());
        writer.Entry("version"u8, _world.Content.Version);
        if (extra)
        {
            writer.Entry("zzz"u8, 1L);
        }

        writer.End();
        return SignedStatement.Sign(
            "receipt"u8,
            "shoal transfer receipt 1\0"u8,
            output.WrittenSpan,
            _world.Identity,
            _world.Authority.Issue(_world.Identity, _world.Receiver)
        );
    }

    private List<ReceivedShare> Many(int count) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(_ => new ReceivedShare(_world.Authority.NewMember(), 1))
                .OrderBy(share => share.Sender),
        ];
}
