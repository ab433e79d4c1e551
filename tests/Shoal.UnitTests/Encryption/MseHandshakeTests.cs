using System.Text;
using System.Text.Json;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class MseHandshakeTests
{
    private const CryptoMethods Both = CryptoMethods.Plaintext | CryptoMethods.Rc4;

    private static readonly InfoHash Name = new(Encoding.ASCII.GetBytes("name of some torrent"));
    private static readonly JsonElement[] Transcripts =
    [
        .. TestVectors.Load("mse.json").RootElement.GetProperty("transcripts").EnumerateArray(),
    ];

    [Fact]
    public void A_recorded_call_is_answered()
    {
        var vector = Transcripts[0];
        var name = NameOf(vector);
        var answerer = new MseAnswerer(
            alias => alias == MseAnswerer.Alias(name) ? name : null,
            PreferRc4,
            SecretsOf(vector)
        );

        Feed(answerer, Base64(vector, "peer_sends_1_b64"));
        Assert.Equal(vector.GetProperty("our_public_key_hex").GetString(), Hex(answerer.TakeOutput()));
        Feed(answerer, Base64(vector, "peer_sends_2_b64"));

        Assert.True(answerer.IsDone, answerer.Fault.ToString());
        Assert.Equal(name, answerer.Name);
        Assert.Equal(CryptoMethods.Rc4, answerer.Method);
        Assert.Equal(vector.GetProperty("len_ia").GetInt32(), answerer.StillEncrypted);
        var payload = answerer.Rest.ToArray();
        answerer.Receiving.Apply(payload);
        Assert.Equal(vector.GetProperty("ia_hex").GetString(), Hex(payload));
    }

    [Fact]
    public void A_recorded_answer_is_understood()
    {
        var vector = Transcripts[1];
        var caller = new MseCaller(NameOf(vector), Both, [], SecretsOf(vector));
        caller.TakeOutput();
        Feed(caller, Base64(vector, "peer_sends_1_b64"));
        Assert.Equal(Base64(vector, "we_must_send_req1_b64"), caller.TakeOutput()[..20]);
        Feed(caller, Base64(vector, "peer_sends_2_b64"));

        Assert.True(caller.IsDone, caller.Fault.ToString());
        Assert.Equal((CryptoMethods)vector.GetProperty("crypto_select").GetInt32(), caller.Method);
        var rest = caller.Rest.ToArray();
        caller.Receiving.Apply(rest);
        Assert.Equal(ReadStatus.Ok, Handshake.Read(rest, out var handshake));
        Assert.Equal(
            vector.GetProperty("expected_peer_id").GetString(),
            Encoding.ASCII.GetString(handshake.PeerId.Span)
        );
    }

    [Fact]
    public void Two_sides_agree_however_their_bytes_are_cut()
    {
        var random = new Random(3);
        for (var cut = 1; cut < 1300; cut += cut < 100 ? 1 : 37)
        {
            var (caller, answerer) = Pair(random, Both, PreferRc4, payload: "hello"u8);
            Talk(caller, answerer, cut);
            Assert.True(caller.IsDone && answerer.IsDone, $"cut {cut}: {caller.Fault} {answerer.Fault}");
            Assert.Equal(CryptoMethods.Rc4, caller.Method);
            Assert.Equal(Name, answerer.Name);
            AssertStreamsMeet(caller, answerer);
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(512, 512)]
    [InlineData(0, 512)]
    public void Any_padding_within_the_bounds_is_passed_over(int first, int second)
    {
        var random = new Random(first + second);
        var caller = new MseCaller(Name, Both, [], Secrets(random, first, second));
        var answerer = new MseAnswerer(_ => Name, PreferRc4, Secrets(random, first, second));
        Talk(caller, answerer, cut: 64);
        Assert.True(caller.IsDone && answerer.IsDone, $"{caller.Fault} {answerer.Fault}");
    }

    [Fact]
    public void After_a_choice_of_plaintext_only_the_initial_payload_is_encrypted()
    {
        var (caller, answerer) = Pair(new Random(4), Both, _ => CryptoMethods.Plaintext, "hello"u8);
        Talk(caller, answerer, cut: 1000);
        Assert.True(caller.IsDone && answerer.IsDone);
        Assert.Equal(CryptoMethods.Plaintext, caller.Method);
        Assert.Equal(5, answerer.StillEncrypted);
        Assert.Equal(0, caller.StillEncrypted);
    }

    [Fact]
    public void Sides_that_allow_nothing_in_common_part()
    {
        var (caller, answerer) = Pair(
            new Random(5),
            CryptoMethods.Plaintext,
            offered => offered & CryptoMethods.Rc4,
            []
        );
        Talk(caller, answerer, cut: 1000);
        Assert.Equal(MseFault.NoCommonMethod, answerer.Fault);
        Assert.False(caller.IsDone);

        // The answer must be one of what was offered, and one only.
        foreach (var choice in new[] { CryptoMethods.Plaintext, Both, CryptoMethods.None + 4 })
        {
            (caller, answerer) = Pair(new Random(6), CryptoMethods.Rc4, _ => choice, []);
            Talk(caller, answerer, cut: 1000);
            Assert.Equal(MseFault.NoCommonMethod, caller.Fault);
        }
    }

    [Fact]
    public void A_torrent_that_is_not_ours_gets_no_answer_beyond_the_key()
    {
        var looks = 0;
        var caller = new MseCaller(Name, Both, [], Secrets(new Random(7), 10, 10));
        var answerer = new MseAnswerer(
            _ =>
            {
                looks++;
                return null;
            },
            PreferRc4,
            Secrets(new Random(8), 10, 10)
        );
        Talk(caller, answerer, cut: 1000);
        Assert.Equal(MseFault.UnknownTorrent, answerer.Fault);
        // One look into the table, whatever torrents there are.
        Assert.Equal(1, looks);
        Assert.False(caller.IsDone);
    }

    [Fact]
    public void Who_knows_only_the_alias_of_a_torrent_is_found_out()
    {
        // The right mask for a torrent whose name the caller does not know: the ciphers differ.
        var caller = new MseCaller(new InfoHash(new byte[20]), Both, [], Secrets(new Random(9), 0, 0));
        var answerer = new MseAnswerer(_ => Name, PreferRc4, Secrets(new Random(10), 0, 0));
        Talk(caller, answerer, cut: 1000);
        Assert.Equal(MseFault.BadVerification, answerer.Fault);
    }

    [Fact]
    public void Degenerate_keys_end_it_on_either_side()
    {
        foreach (var key in TestVectors.Load("mse.json").RootElement.GetProperty("dh_must_reject_hex").EnumerateArray())
        {
            var (caller, answerer) = Pair(new Random(11), Both, PreferRc4, []);
            caller.TakeOutput();
            foreach (var side in new MseHandshake[] { caller, answerer })
            {
                Feed(side, Convert.FromHexString(key.GetString()!));
                Assert.Equal(MseFault.BadKey, side.Fault);
                Assert.Empty(side.TakeOutput());
            }
        }
    }

    [Fact]
    public void The_search_for_the_end_of_the_padding_is_bounded()
    {
        var random = new Random(12);
        foreach (var isCaller in new[] { false, true })
        {
            var (caller, answerer) = Pair(random, Both, PreferRc4, []);
            MseHandshake side = isCaller ? caller : answerer;
            var key = new byte[DiffieHellman.KeySize];
            DiffieHellman.PublicKey(new byte[] { 1, 2, 3 }, key);
            Feed(side, key);
            var read = 0;
            while (side.Fault == MseFault.None)
            {
                var noise = new byte[1];
                random.NextBytes(noise);
                Feed(side, noise);
                read++;
            }

            Assert.Equal(MseFault.NoSynchronisation, side.Fault);
            Assert.Equal(512 + (isCaller ? 8 : 20), read);
        }
    }

    [Fact]
    public void Longer_padding_than_allowed_ends_it()
    {
        // A length of 513 where zero was: the cipher is a stream, so single bits can be turned on the way.
        var answerer = new MseAnswerer(_ => Name, PreferRc4, Secrets(new Random(13), 0, 0));
        var caller = new MseCaller(Name, Both, [], Secrets(new Random(14), 0, 0));
        Feed(answerer, caller.TakeOutput());
        Feed(caller, answerer.TakeOutput());
        var request = caller.TakeOutput();
        request[20 + 20 + 8 + 4] ^= 2;
        request[20 + 20 + 8 + 5] ^= 1;
        Feed(answerer, request);
        Assert.Equal(MseFault.PaddingTooLong, answerer.Fault);
    }

    [Fact]
    public void Mutated_handshakes_end_within_the_limits() =>
        Fuzz.Run(
            rounds: 1500,
            random =>
            {
                var (caller, answerer) = Pair(random, Both, PreferRc4, "hello"u8);
                for (var turn = 0; turn < 3; turn++)
                {
                    FeedMutated(random, answerer, caller.TakeOutput());
                    FeedMutated(random, caller, answerer.TakeOutput());
                }
            }
        );

    private static void FeedMutated(Random random, MseHandshake side, byte[] bytes)
    {
        if (random.Next(3) == 0)
        {
            bytes = Fuzz.Mutate(random, bytes);
        }

        Feed(side, bytes);
        Assert.True(side.IsDone || side.Fault != MseFault.None || !side.Room.IsEmpty);
    }

    private static CryptoMethods PreferRc4(CryptoMethods offered) =>
        offered.HasFlag(CryptoMethods.Rc4) ? CryptoMethods.Rc4 : offered;

    private static (MseCaller Caller, MseAnswerer Answerer) Pair(
        Random random,
        CryptoMethods offered,
        Func<CryptoMethods, CryptoMethods> choose,
        ReadOnlySpan<byte> payload
    )
    {
        var bytes = new byte[MseSecrets.RandomSize * 2];
        random.NextBytes(bytes);
        var caller = new MseCaller(Name, offered, payload, MseSecrets.From(bytes.AsSpan(MseSecrets.RandomSize)));
        var answerer = new MseAnswerer(
            alias => alias == MseAnswerer.Alias(Name) ? Name : null,
            choose,
            MseSecrets.From(bytes)
        );
        return (caller, answerer);
    }

    private static MseSecrets Secrets(Random random, int padding, int second)
    {
        var (exponent, pad) = (new byte[DiffieHellman.ExponentSize], new byte[padding]);
        random.NextBytes(exponent);
        random.NextBytes(pad);
        return new MseSecrets(exponent, pad, second);
    }

    /// <summary>Carries bytes to and fro, so many at a time, until nobody says anything more.</summary>
    private static void Talk(MseCaller caller, MseAnswerer answerer, int cut)
    {
        for (var isQuiet = false; !isQuiet; )
        {
            isQuiet = Carry(caller, answerer, cut) + Carry(answerer, caller, cut) == 0;
        }
    }

    private static int Carry(MseHandshake from, MseHandshake to, int cut)
    {
        var bytes = from.TakeOutput();
        foreach (var part in bytes.Chunk(cut))
        {
            Feed(to, part);
        }

        return bytes.Length;
    }

    private static void Feed(MseHandshake side, ReadOnlySpan<byte> bytes)
    {
        // As the network side does: what does not fit comes after the handshake.
        var length = Math.Min(bytes.Length, side.Room.Length);
        bytes[..length].CopyTo(side.Room.Span);
        side.Received(length);
    }

    private static void AssertStreamsMeet(MseCaller caller, MseAnswerer answerer)
    {
        var rest = answerer.Rest.ToArray();
        answerer.Receiving.Apply(rest);
        Assert.Equal("hello", Encoding.ASCII.GetString(rest));
        var bytes = "back"u8.ToArray();
        answerer.Sending.Apply(bytes);
        caller.Receiving.Apply(bytes);
        Assert.Equal("back"u8.ToArray(), bytes);
    }

    private static InfoHash NameOf(JsonElement vector)
    {
        Assert.True(InfoHash.TryParseHex(vector.GetProperty("infohash").GetString()!, out var name));
        return name;
    }

    private static MseSecrets SecretsOf(JsonElement vector) => new(Base64(vector, "our_private_key_b64"), [], 0);

    private static byte[] Base64(JsonElement vector, string property) =>
        Convert.FromBase64String(vector.GetProperty(property).GetString()!);

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
