using System.Net;
using System.Text;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>The extensions whose messages are bencoded: the handshake, ut_metadata and ut_pex.</summary>
public sealed class ExtensionMessageTests
{
    private static readonly ExtensionHandshake Full = new()
    {
        Messages = new Dictionary<string, byte>
        {
            ["ut_metadata"] = 3,
            ["ut_pex"] = 0,
            ["lt_donthave"] = 7,
        },
        Client = "µTorrent 1.2",
        Port = 6881,
        RequestQueue = 500,
        YourAddress = IPAddress.Parse("203.0.113.9"),
        IPv4 = IPAddress.Parse("198.51.100.7"),
        IPv6 = IPAddress.Parse("2001:db8::1"),
        MetadataSize = 31235,
        IsUploadOnly = true,
    };

    [Fact]
    public void A_handshake_is_written_in_order_of_its_keys()
    {
        var text = Encoding.Latin1.GetString(Full.Write());
        Assert.Equal(
            "d4:ipv44:\u00c6\u0033d\u00074:ipv616:\u0020\u0001\r\u00b8"
                + new string('\0', 11)
                + "\u0001"
                + "1:md11:lt_donthavei7e11:ut_metadatai3e6:ut_pexi0ee13:metadata_sizei31235e1:pi6881e4:reqqi500e"
                + "11:upload_onlyi1e1:v13:\u00c2\u00b5Torrent 1.26:yourip4:\u00cb\0q\te",
            text
        );
    }

    [Fact]
    public void A_handshake_is_read_as_it_was_written()
    {
        Assert.True(ExtensionHandshake.TryRead(Full.Write(), out var read));
        Assert.Equal(Full.Messages, read.Messages);
        Assert.Equal(Full with { Messages = read.Messages }, read);
    }

    [Fact]
    public void What_is_missing_is_null()
    {
        Assert.True(ExtensionHandshake.TryRead("de"u8, out var read));
        Assert.Empty(read.Messages);
        Assert.Equal(new ExtensionHandshake { Messages = read.Messages }, read);
        Assert.True(ExtensionHandshake.TryRead(read.Write(), out _));
    }

    [Theory]
    [InlineData("d1:pi0ee")]
    [InlineData("d1:pi65536ee")]
    [InlineData("d1:p4:6881e")]
    [InlineData("d4:reqqi-1ee")]
    [InlineData("d13:metadata_sizei2147483648ee")]
    [InlineData("d13:metadata_sizei-5ee")]
    [InlineData("d6:yourip5:abcdee")]
    [InlineData("d1:mi5ee")]
    [InlineData("d1:md6:ut_pexi256e11:ut_metadata1:xee")]
    [InlineData("d12:complete_agoi60e1:vi5ee")]
    public void Parts_that_make_no_sense_are_left_out(string text)
    {
        Assert.True(ExtensionHandshake.TryRead(Encoding.Latin1.GetBytes(text), out var read));
        Assert.Empty(read.Messages);
        Assert.Equal(new ExtensionHandshake { Messages = read.Messages }, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("le")]
    [InlineData("i5e")]
    [InlineData("d1:m")]
    [InlineData("d999999999:m")]
    public void What_is_no_dictionary_is_refused(string text) =>
        Assert.False(ExtensionHandshake.TryRead(Encoding.Latin1.GetBytes(text), out _));

    [Fact]
    public void A_crowd_of_extensions_is_cut()
    {
        var crowd = new ExtensionHandshake
        {
            Messages = Enumerable.Range(0, 200).ToDictionary(i => $"x_{i:D3}", i => (byte)1),
        };
        Assert.True(ExtensionHandshake.TryRead(crowd.Write(), out var read));
        Assert.Equal(ExtensionHandshake.MaxMessages, read.Messages.Count);
    }

    [Fact]
    public void Metadata_messages_have_the_form_of_the_specification()
    {
        // The examples of BEP 9.
        Assert.Equal("d8:msg_typei0e5:piecei0ee"u8, new UtMetadata(UtMetadataKind.Request, 0).Write());
        Assert.Equal("d8:msg_typei2e5:piecei4ee"u8, new UtMetadata(UtMetadataKind.Reject, 4).Write());
        var data = new UtMetadata(UtMetadataKind.Data, 0, 34256, "xxxxxxxx"u8.ToArray());
        Assert.Equal("d8:msg_typei1e5:piecei0e10:total_sizei34256eexxxxxxxx"u8, data.Write());

        Assert.True(UtMetadata.TryRead(data.Write(), out var read));
        Assert.Equal((data.Kind, data.Piece, data.TotalSize), (read.Kind, read.Piece, read.TotalSize));
        Assert.Equal("xxxxxxxx"u8, read.Data.Span);
        Assert.True(UtMetadata.TryRead("d8:msg_typei2e5:piecei4ee"u8.ToArray(), out var reject));
        Assert.Equal((UtMetadataKind.Reject, 4), (reject.Kind, reject.Piece));
        Assert.True(UtMetadata.TryRead("d8:msg_typei9ee"u8.ToArray(), out var unknown));
        Assert.Equal(UtMetadataKind.Unknown, unknown.Kind);
    }

    [Theory]
    [InlineData("")]
    [InlineData("d5:piecei0ee")]
    [InlineData("d8:msg_typei0ee")]
    [InlineData("d8:msg_typei0e5:piecei-1ee")]
    [InlineData("d8:msg_typei0e5:piecei2147483647ee")]
    [InlineData("d8:msg_typei1e5:piecei0ee")] // data without data
    [InlineData("d8:msg_typei1e5:piecei0e10:total_sizei-1eex")]
    [InlineData("d8:msg_typei1e5:piecei0e10:total_sizei9999999999eex")]
    public void Metadata_messages_of_another_form_are_refused(string text) =>
        Assert.False(UtMetadata.TryRead(Encoding.Latin1.GetBytes(text), out _));

    [Fact]
    public void A_metadata_piece_has_at_most_16_KiB()
    {
        var most = new UtMetadata(UtMetadataKind.Data, 1, 40_000, new byte[16 * 1024]);
        Assert.True(UtMetadata.TryRead(most.Write(), out _));
        Assert.False(UtMetadata.TryRead((most with { Data = new byte[16 * 1024 + 1] }).Write(), out _));
        Assert.Equal(3, UtMetadata.PieceCount(40_000));
        Assert.Equal(40_000 - 2 * 16 * 1024, UtMetadata.SizeOf(2, 40_000));
    }

    [Fact]
    public void Peer_exchange_carries_both_families_and_flags()
    {
        var message = new UtPex
        {
            Added =
            [
                new PexPeer(IPEndPoint.Parse("198.51.100.7:6881"), PexFlags.UploadOnly | PexFlags.Reachable),
                new PexPeer(IPEndPoint.Parse("[2001:db8::1]:80"), PexFlags.SupportsUtp),
                new PexPeer(IPEndPoint.Parse("198.51.100.8:6882")),
            ],
            Dropped = [IPEndPoint.Parse("[2001:db8::2]:81"), IPEndPoint.Parse("198.51.100.9:6883")],
        };
        var bytes = message.Write();
        Assert.StartsWith(
            "d5:added12:\u00c63d\u0007\u001a\u00e1\u00c63d\b\u001a\u00e27:added.f2:\u0012\0",
            Encoding.Latin1.GetString(bytes)
        );

        Assert.True(UtPex.TryRead(bytes, out var read));
        Assert.Equal(message.Added.OrderBy(p => p.EndPoint.ToString()), read.Added.OrderBy(p => p.EndPoint.ToString()));
        Assert.Equal(message.Dropped.OrderBy(p => p.ToString()), read.Dropped.OrderBy(p => p.ToString()));
    }

    [Fact]
    public void Peer_exchange_is_cut_at_fifty_and_keeps_flags_with_their_peers()
    {
        var packed = new byte[6 * 60];
        var flags = new byte[60];
        for (var i = 0; i < 60; i++)
        {
            // The second is a repetition of the first, the third has port 0.
            packed[6 * i] = 198;
            packed[6 * i + 3] = (byte)(i == 1 ? 0 : i);
            packed[6 * i + 5] = (byte)(i == 2 ? 0 : 80);
            flags[i] = (byte)(i % 2 == 0 ? 0xff : 0);
        }

        byte[] payload = [.. "d5:added360:"u8, .. packed, .. "7:added.f60:"u8, .. flags, (byte)'e'];
        Assert.True(UtPex.TryRead(payload, out var read));
        Assert.Equal(UtPex.MaxPeers, read.Added.Count);
        Assert.Equal(["198.0.0.0:80", "198.0.0.3:80"], read.Added.Take(2).Select(p => p.EndPoint.ToString()));
        Assert.Equal([PexFlags.All, PexFlags.None, PexFlags.All], read.Added.Take(3).Select(p => p.Flags));

        var crowd = new UtPex { Added = [.. Enumerable.Range(1, 99).Select(i => new PexPeer(new IPEndPoint(i, i)))] };
        Assert.True(UtPex.TryRead(crowd.Write(), out var cut));
        Assert.Equal(UtPex.MaxPeers, cut.Added.Count);
    }

    [Fact]
    public void Mutations_are_read_within_the_limits_or_refused()
    {
        var pex = new UtPex
        {
            Added = [.. Enumerable.Range(1, 40).Select(i => new PexPeer(new IPEndPoint(i, i)))],
            Dropped = [IPEndPoint.Parse("[2001:db8::2]:81")],
        }.Write();
        var handshake = Full.Write();
        var data = new UtMetadata(UtMetadataKind.Data, 1, 40_000, new byte[100]).Write();
        Fuzz.Run(
            5_000,
            random =>
            {
                if (UtPex.TryRead(Fuzz.Mutate(random, pex), out var exchanged))
                {
                    Assert.True(exchanged.Added.Count <= UtPex.MaxPeers && exchanged.Dropped.Count <= UtPex.MaxPeers);
                }

                if (ExtensionHandshake.TryRead(Fuzz.Mutate(random, handshake), out var read))
                {
                    Assert.True(ExtensionHandshake.TryRead(read.Write(), out var again));
                    Assert.Equal(read with { Messages = again.Messages }, again);
                    Assert.Equal(read.Messages, again.Messages);
                }

                if (UtMetadata.TryRead(Fuzz.Mutate(random, data), out var message))
                {
                    Assert.True(message.Data.Length <= UtMetadata.PieceSize && message.Piece >= 0);
                }
            }
        );
    }
}
