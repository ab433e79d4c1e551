using System.Buffers.Binary;
using System.Net;
using System.Threading.Channels;
using Shoal.Engine;

namespace Shoal.InteropTests;

/// <summary>Our UDP port on real sockets, by each way datagrams can pass through the system.</summary>
public sealed class UdpPortTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static TheoryData<string, string> Ways { get; } =
        new MatrixTheoryData<string, string>(Enum.GetNames<DatagramCalls>(), ["127.0.0.1", "::1"]);

    public static TheoryData<string> Calls { get; } = [.. Enum.GetNames<DatagramCalls>()];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Runs_of_datagrams_arrive_as_they_were(string calls, string address)
    {
        await using var sender = Open(calls, address);
        await using var receiver = Open(calls, address);
        var ear = new Ear(_ => true);
        receiver.Start(ear);
        var seed = 5;
        // Fewer than one system call takes, more than one message of it takes (64), more than one call takes (32 each).
        foreach (var (size, count) in ((int, int)[])[(1, 5), (20, 70), (1432, 40), (1432, 200), (9000, 20), (65000, 3)])
        {
            // The last is shorter, where that is possible.
            var bytes = new byte[(count - 1) * size + Math.Max(size / 2, 1)];
            new Random(++seed).NextBytes(bytes);
            Assert.Equal(count, sender.Send(0, receiver.LocalEndPoints[0], bytes, size));
            for (var at = 0; at < bytes.Length; at += size)
            {
                var got = await ear.NextAsync();
                Assert.Equal(bytes[at..Math.Min(at + size, bytes.Length)], got.Bytes);
                Assert.Equal(sender.LocalEndPoints[0], got.Source);
            }
        }

        Assert.Equal(0, sender.SendsDropped);
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Each_datagram_has_its_own_source_and_equal_ones_share_it(string calls)
    {
        await using var receiver = Open(calls, "127.0.0.1");
        var ear = new Ear(_ => true);
        receiver.Start(ear);
        var senders = Enumerable.Range(0, 20).Select(_ => Open(calls, "127.0.0.1")).ToList();
        var endPoints = new Dictionary<int, IPEndPoint>();
        for (var round = 0; round < 3; round++)
        {
            foreach (var sender in senders)
            {
                var said = new byte[2];
                BinaryPrimitives.WriteUInt16BigEndian(said, (ushort)sender.Port);
                Assert.True(((IDatagramPort)sender).TrySend(0, receiver.LocalEndPoints[0], said));
                var (source, bytes) = await ear.NextAsync();
                Assert.Equal(sender.LocalEndPoints[0], source);
                Assert.Equal(sender.Port, BinaryPrimitives.ReadUInt16BigEndian(bytes));
                if (!endPoints.TryAdd(sender.Port, source) && ReferenceEquals(endPoints[sender.Port], source))
                {
                    ear.Shared++;
                }

                endPoints[sender.Port] = source;
            }
        }

        // A few may share a place of the cache.
        Assert.True(ear.Shared >= 20, $"{ear.Shared} of 40");
        foreach (var sender in senders)
        {
            await sender.DisposeAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Each_protocol_gets_its_own_and_nobody_gets_the_rest(string calls)
    {
        await using var sender = Open(calls, "127.0.0.1");
        await using var receiver = Open(calls, "127.0.0.1");
        var (even, odd) = (new Ear(first => first is 0 or 2), new Ear(first => first is 1 or 3));
        receiver.Start(even, odd);
        // One run, so that it may come in as one.
        byte[] said = [0, 2, 1, 4, 0, 3];
        Assert.Equal(6, sender.Send(0, receiver.LocalEndPoints[0], said, 1));
        Assert.Equal([0, 2, 0], await even.FirstBytesAsync(3));
        Assert.Equal([1, 3], await odd.FirstBytesAsync(2));
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task What_has_no_way_is_lost_and_does_not_keep_others(string calls)
    {
        await using var sender = Open(calls, "127.0.0.1");
        await using var receiver = Open(calls, "127.0.0.1");
        var ear = new Ear(_ => true);
        receiver.Start(ear);
        // From loopback nothing leads there.
        Assert.Equal(3, sender.Send(0, new IPEndPoint(IPAddress.Parse("192.0.2.1"), 1), new byte[30], 10));
        Assert.Equal(1, sender.Send(0, new IPEndPoint(IPAddress.IPv6Loopback, 1), new byte[30], 30));
        Assert.Equal(4, sender.SendsDropped);
        Assert.Equal(2, sender.Send(0, receiver.LocalEndPoints[0], new byte[20], 10));
        Assert.Equal([0, 0], await ear.FirstBytesAsync(2));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Probes_leave_whole_or_not_at_all(string calls, string address)
    {
        await using var lab = await Lab.CreateAsync();
        await Link(lab, "set", "lo", "mtu", "1500");
        await using var port = Inside.Run(lab.Hub, () => Open(calls, address));
        var ear = new Ear(_ => true);
        port.Start(ear);
        var to = port.LocalEndPoints[0];
        var longest = address == "::1" ? 1500 - 48 : 1500 - 28;
        Assert.Equal(longest, Inside.Run(lab.Hub, () => port.MaxDatagram(0, to.Address)));
        Assert.Equal(ProbeOutcome.TooLong, port.Probe(0, to, new byte[longest + 1]));
        Assert.Equal(ProbeOutcome.Sent, port.Probe(0, to, new byte[longest]));
        Assert.Equal(longest, (await ear.NextAsync()).Bytes.Length);
        // What is no probe may be cut up on the way, also where the kernel will not do it in a run.
        Assert.Equal(5, port.Send(0, to, new byte[5 * 4000], 4000));
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(4000, (await ear.NextAsync()).Bytes.Length);
        }
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_full_socket_says_when_to_go_on(string calls)
    {
        await using var lab = await Lab.CreateAsync();
        var host = await lab.AddHostAsync("slow");
        // It has room for far more than the socket may have under way, so that nothing is lost in there.
        await host.RunAsync("tc", "qdisc add dev eth0 root tbf rate 20mbit burst 64k limit 100m".Split(' '));
        await using var port = Inside.Run(host, () => Open(calls, host.Address));
        var ear = new Ear(_ => true);
        port.Start(ear);
        var to = new IPEndPoint(IPAddress.Parse(lab.Hub.Address), 9);
        var run = new byte[40 * 1400];
        var refusals = 0;
        // A machine with other things to do lets the line drain meanwhile; some time it is full.
        for (var left = 10_000; refusals < 3; left--)
        {
            Assert.True(left > 0, "it is never full");
            var taken = port.Send(0, to, run, 1400);
            if (taken < 40)
            {
                refusals++;
                Assert.InRange(taken, 0, 39);
                await ear.HasRoomAsync();
            }
        }

        Assert.Equal(0, port.SendsDropped);
    }

    private static UdpPort Open(string calls, string address) =>
        UdpPort.Open(
            LocalBinding.Create([IPAddress.Parse(address)], [], LocalInterface.ReadAll),
            0,
            best: Enum.Parse<DatagramCalls>(calls)
        );

    private static Task<string> Link(Lab lab, params string[] words) => lab.Hub.RunAsync("ip", ["link", .. words]);

    private sealed class Ear(Func<byte, bool> claims) : IDatagramProtocol
    {
        private readonly Channel<(IPEndPoint Source, byte[] Bytes)> _heard = Channel.CreateUnbounded<(
            IPEndPoint,
            byte[]
        )>();
        private readonly Channel<int> _room = Channel.CreateUnbounded<int>();

        public int Shared { get; set; }

        public bool Claims(ReadOnlySpan<byte> datagram) => claims(datagram[0]);

        public void Receive(int socket, ReadOnlySpan<ReceivedDatagram> batch)
        {
            foreach (var datagram in batch)
            {
                _heard.Writer.TryWrite((datagram.Source, datagram.Bytes.ToArray()));
            }
        }

        public void HasRoom(int socket) => _room.Writer.TryWrite(socket);

        public Task<int> HasRoomAsync() => _room.Reader.ReadAsync().AsTask().WaitAsync(Patience);

        public async Task<(IPEndPoint Source, byte[] Bytes)> NextAsync() =>
            await _heard.Reader.ReadAsync().AsTask().WaitAsync(Patience);

        public async Task<byte[]> FirstBytesAsync(int count)
        {
            var first = new byte[count];
            for (var i = 0; i < count; i++)
            {
                first[i] = (await NextAsync()).Bytes[0];
            }

            return first;
        }
    }
}
