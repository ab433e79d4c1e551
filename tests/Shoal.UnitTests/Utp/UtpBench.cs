using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>One connection of ours on a bench: the test is the peer, the path and the clock.</summary>
internal sealed class UtpBench : IUtpOutput
{
    public const ushort PeerSequence = 500;
    public static readonly IPEndPoint Peer = new(IPAddress.Parse("192.0.2.1"), 6881);

    private readonly List<byte[]> _sent = [];

    public UtpBench(UtpLimits? limits = null, bool isPunch = false)
    {
        Limits = limits ?? UtpLimits.Default;
        Setting = new UtpSetting(Limits, UtpPath.Of(false, 65_507), this, Budget);
        Connection = UtpConnection.Call(Setting, new UtpSecrets(1000, 2000, 77), isPunch, Now);
    }

    public UtpLimits Limits { get; }
    public UtpBudget Budget { get; } = new(64 * 1024 * 1024);
    public UtpSetting Setting { get; }
    public UtpConnection Connection { get; }
    public TimeSpan Now { get; private set; } = TimeSpan.FromSeconds(100);

    /// <summary>How many datagrams the system takes; the rest it has no room for.</summary>
    public int Room { get; set; } = int.MaxValue;

    /// <summary>Longest datagram that leaves with DF.</summary>
    public int InterfaceSize { get; set; } = 1472;

    /// <summary>What the peer says of itself in its next packets.</summary>
    public uint Window { get; set; } = 1024 * 1024;
    public ushort NextPeerSequence { get; set; } = PeerSequence;

    /// <summary>A connection whose SYN was answered.</summary>
    public static UtpBench Connected(UtpLimits? limits = null)
    {
        var bench = new UtpBench(limits);
        bench.Connection.Flush(bench.Now);
        bench.Advance(20);
        bench.TakeSent();
        bench.Feed(UtpPacketType.State, acknowledged: 2000);
        bench.Connection.Flush(bench.Now);
        Assert.True(bench.Connection.IsConnected);
        return bench;
    }

    public int Send(ReadOnlySpan<byte> datagrams, int segmentSize, bool isProbe)
    {
        if (isProbe && datagrams.Length > InterfaceSize)
        {
            return -1;
        }

        var count = 0;
        while (!datagrams.IsEmpty && Room > 0)
        {
            var one = datagrams[..Math.Min(segmentSize, datagrams.Length)];
            _sent.Add(one.ToArray());
            datagrams = datagrams[one.Length..];
            (count, Room) = (count + 1, Room - 1);
        }

        return count;
    }

    /// <summary>What was sent since the last call.</summary>
    public List<byte[]> TakeSent()
    {
        List<byte[]> sent = [.. _sent];
        _sent.Clear();
        return sent;
    }

    public List<UtpHeader> TakeHeaders() =>
        [
            .. TakeSent()
                .Select(bytes =>
                    UtpPacket.TryRead(bytes, out var packet) ? packet.Header : throw new FormatException()
                ),
        ];

    /// <summary>Lets time pass; the connection is woken whenever it wants to be.</summary>
    public void Advance(double milliseconds)
    {
        var end = Now + TimeSpan.FromMilliseconds(milliseconds);
        while (Connection.NextDue <= end)
        {
            Now = Connection.NextDue > Now ? Connection.NextDue : Now + TimeSpan.FromMicroseconds(1);
            Connection.Tick(Now);
        }

        Now = end;
    }

    /// <summary>A packet of the peer comes in. Data counts on.</summary>
    public void Feed(
        UtpPacketType type,
        int acknowledged,
        string payload = "",
        byte[]? mask = null,
        int? sequence = null,
        uint difference = 1000,
        uint timestamp = 5
    )
    {
        var content = System.Text.Encoding.ASCII.GetBytes(payload);
        var bytes = new byte[UtpHeader.Size + (mask is null ? 0 : 2 + mask.Length) + content.Length];
        var number = (ushort)(sequence ?? NextPeerSequence);
        new UtpHeader(type, Connection.ReceiveId, timestamp, difference, Window, number, (ushort)acknowledged).Write(
            bytes,
            mask is null ? (byte)0 : (byte)1
        );
        if (mask is not null)
        {
            UtpExtension.WriteHeader(bytes.AsSpan(UtpHeader.Size), mask.Length);
            mask.CopyTo(bytes, UtpHeader.Size + 2);
        }

        content.CopyTo(bytes, bytes.Length - content.Length);
        if (sequence is null && type is UtpPacketType.Data or UtpPacketType.Fin)
        {
            NextPeerSequence++;
        }

        Assert.True(UtpPacket.TryRead(bytes, out var packet));
        Connection.Receive(packet, Now);
    }

    public void Write(int length)
    {
        var bytes = new byte[length];
        while (bytes.Length > 0 && Connection.Write(bytes) is > 0 and var count)
        {
            bytes = bytes[count..];
        }

        Connection.Flush(Now);
    }

    public string Read()
    {
        var buffer = new byte[1024];
        return System.Text.Encoding.ASCII.GetString(buffer, 0, Connection.Read(buffer, Now));
    }
}
