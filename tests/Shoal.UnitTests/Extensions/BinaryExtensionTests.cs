using System.Net;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>The extensions whose messages are not bencoded: lt_donthave and ut_holepunch.</summary>
public sealed class BinaryExtensionTests
{
    [Fact]
    public void Donthave_is_four_bytes_and_nothing_else()
    {
        Assert.Equal([0, 0, 1, 2], LtDontHave.Write(258));
        Assert.True(LtDontHave.TryRead([0, 0, 1, 2], out var piece));
        Assert.Equal(258u, piece);
        Assert.False(LtDontHave.TryRead([0, 0, 1], out _));
        Assert.False(LtDontHave.TryRead([0, 0, 1, 2, 3], out _));
    }

    [Theory]
    [InlineData(HolepunchKind.Rendezvous, "198.51.100.7:6881", HolepunchError.None, "0000c63364071ae100000000")]
    [InlineData(HolepunchKind.Error, "198.51.100.7:6881", HolepunchError.NoSupport, "0200c63364071ae100000003")]
    [InlineData(
        HolepunchKind.Connect,
        "[2001:db8::1]:80",
        HolepunchError.None,
        "010120010db8000000000000000000000001005000000000"
    )]
    public void Holepunch_messages_have_this_form(HolepunchKind kind, string endPoint, HolepunchError error, string hex)
    {
        var message = new UtHolepunch(kind, IPEndPoint.Parse(endPoint), error);
        Assert.Equal(hex, Convert.ToHexStringLower(message.Write()));
        Assert.True(UtHolepunch.TryRead(Convert.FromHexString(hex), out var read));
        Assert.Equal(message, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("0300c63364071ae100000000")] // unknown kind
    [InlineData("0002c63364071ae100000000")] // unknown family
    [InlineData("0001c63364071ae100000000")] // IPv4 called IPv6
    [InlineData("0000c6336407000000000000")] // port 0
    [InlineData("0000c63364071ae10000000000")] // a byte too many
    [InlineData("0200c63364071ae1")] // an error without its code
    public void Holepunch_messages_of_another_form_are_refused(string hex) =>
        Assert.False(UtHolepunch.TryRead(Convert.FromHexString(hex), out _));

    [Fact]
    public void An_error_code_may_be_missing_where_it_means_nothing()
    {
        Assert.True(UtHolepunch.TryRead(Convert.FromHexString("0000c63364071ae1"), out var read));
        Assert.Equal(HolepunchError.None, read!.Error);
    }

    [Fact]
    public void Mutations_are_read_or_refused()
    {
        var original = Convert.FromHexString("010120010db8000000000000000000000001005000000000");
        Fuzz.Run(
            20_000,
            random =>
            {
                if (UtHolepunch.TryRead(Fuzz.Mutate(random, original), out var message))
                {
                    Assert.True(UtHolepunch.TryRead(message!.Write(), out var again));
                    Assert.Equal(message.EndPoint, again!.EndPoint);
                }
            }
        );
    }
}
