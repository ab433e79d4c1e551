using System.Buffers.Binary;
using System.Text;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>What the first bytes of TLS say to a listener that serves more than TLS.</summary>
public sealed class ClientHelloTests
{
    [Fact]
    public void It_is_known_when_it_is_whole_and_no_sooner()
    {
        var hello = Hello("Example.ORG");
        for (var length = 0; length < hello.Length; length++)
        {
            Assert.Equal(ReadStatus.NeedMore, ClientHello.Read(hello.AsSpan(0, length), out _));
        }

        Assert.Equal(ReadStatus.Ok, ClientHello.Read(hello, out var name));
        Assert.Equal("example.org", name);
        Assert.Equal(ReadStatus.Ok, ClientHello.Read([.. hello, 1, 2, 3], out _));
    }

    [Fact]
    public void The_first_byte_that_does_not_fit_decides()
    {
        byte[][] others =
        [
            [19],
            [22, 2],
            [22, 3, 4],
            [22, 3, 1, 0, 100, 2],
            [22, 3, 1, 64, 1, 1],
            [22, 3, 1, 0, 3, 1],
            Encoding.ASCII.GetBytes("\x13BitTorrent protocol"),
        ];
        Assert.All(others, bytes => Assert.Equal(ReadStatus.Malformed, ClientHello.Read(bytes, out _)));
    }

    [Fact]
    public void Names_that_are_none_are_empty()
    {
        string[] names = ["", "with space", "ctrl\u0001", "\u00e9", new('a', 256)];
        foreach (var name in names)
        {
            Assert.Equal(ReadStatus.Ok, ClientHello.Read(Hello(name), out var read));
            Assert.Equal("", read);
        }

        Assert.Equal(ReadStatus.Ok, ClientHello.Read(Hello(null), out var none));
        Assert.Equal("", none);
    }

    [Fact]
    public void No_bytes_break_it()
    {
        var hello = Hello("example.org");
        Fuzz.Run(
            20_000,
            random =>
            {
                var mutated = Fuzz.Mutate(random, hello);
                ClientHello.Read(mutated, out var name);
                Assert.True(name.Length <= 255);
            }
        );
    }

    private static byte[] Hello(string? name)
    {
        var host = Encoding.Latin1.GetBytes(name ?? "");
        byte[] list = [0, .. Length(host), .. host];
        byte[] entry = [.. Length(list), .. list];
        byte[] server = name is null ? [] : [0, 0, .. Length(entry), .. entry];
        byte[] extensions = [0, 23, 0, 0, .. server, 0, 43, 0, 3, 2, 3, 4];
        byte[] body = [3, 3, .. new byte[32], 2, 7, 7, 0, 2, 0x13, 1, 1, 0, .. Length(extensions), .. extensions];
        byte[] message = [1, 0, .. Length(body), .. body];
        return [22, 3, 1, .. Length(message), .. message];
    }

    private static byte[] Length(byte[] bytes)
    {
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)bytes.Length);
        return length;
    }
}
