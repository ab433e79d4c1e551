using System.Buffers;
using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>
/// One end of a uTP connection in a simulated network: writes a stream that says at each place what must stand there,
/// and checks what it reads.
/// </summary>
internal sealed class UtpSimEnd : IUtpSimActor, IUtpOutput
{
    private static readonly IPEndPoint Somewhere = new(new IPAddress(0x01020304), 1000);
    private static readonly byte[] Pattern = MakePattern();

    private readonly UtpWorld _world;
    private readonly UtpSimLink _out;
    private readonly UtpSynTable _syns = new(UtpSynLimits.Default);
    private readonly UtpSetting _setting;
    private readonly byte[] _buffer = new byte[64 * 1024];
    private long _wakeAt = long.MaxValue;

    public UtpSimEnd(UtpWorld world, UtpSimLink outgoing, UtpLimits? limits = null)
    {
        _world = world;
        _out = outgoing;
        Budget = new UtpBudget(256L * 1024 * 1024);
        _setting = new UtpSetting(limits ?? UtpLimits.Default, UtpPath.Of(false, 65_507), this, Budget);
    }

    /// <summary>The other end.</summary>
    public UtpSimEnd? Other { get; set; }

    public UtpBudget Budget { get; }

    public UtpConnection? Connection { get; private set; }

    /// <summary>How much faster than right the clock of this end runs.</summary>
    public double Drift { get; init; }

    /// <summary>What is to be written, in bytes.</summary>
    public long ToWrite { get; set; }

    /// <summary>Whether to end the stream when all is written.</summary>
    public bool EndsWriting { get; init; }

    /// <summary>Bytes a second that the reader takes; 0: all at once.</summary>
    public long ReadRate { get; init; }

    /// <summary>Bytes of one write at most; 0: as many as there is room for.</summary>
    public int WriteSize { get; init; }

    public long Written { get; private set; }

    public long Read { get; private set; }

    public bool IsAtEnd => Connection is { IsAtEnd: true };

    /// <summary>Mixed from everything that was sent and when: two runs of one seed have the same.</summary>
    public ulong Trace { get; private set; }

    public long Datagrams { get; private set; }

    private TimeSpan Now => TimeSpan.FromMicroseconds((long)(_world.Now * (1 + Drift)) + 1_000_000);

    public void Call()
    {
        Connection = UtpConnection.Call(_setting, Secrets(), isPunch: false, Now);
        Connection.Flush(Now);
        Schedule();
    }

    public int Send(ReadOnlySpan<byte> datagrams, int segmentSize, bool isProbe)
    {
        var count = 0;
        while (!datagrams.IsEmpty)
        {
            var one = datagrams[..Math.Min(segmentSize, datagrams.Length)];
            Trace = (Trace ^ (ulong)_world.Now ^ ((ulong)one[^1] << 40)) * 0x9E3779B97F4A7C15;
            Datagrams++;
            _out.Send(Other!, one, isProbe);
            datagrams = datagrams[one.Length..];
            count++;
        }

        return count;
    }

    public void Arrive(byte[] datagram, int length)
    {
        if (UtpPacket.TryRead(datagram.AsSpan(0, length), out var packet))
        {
            if (Connection is null)
            {
                Greet(packet);
            }
            else
            {
                Connection.Receive(packet, Now);
            }
        }

        ArrayPool<byte>.Shared.Return(datagram);
        Go();
    }

    public void Wake()
    {
        if (_world.Now >= _wakeAt)
        {
            _wakeAt = long.MaxValue;
            Connection?.Tick(Now);
            Go();
        }
    }

    /// <summary>Goes on reading and writing.</summary>
    public void Go()
    {
        if (Connection is null)
        {
            return;
        }

        ReadAll();
        WriteAll();
        Connection.Flush(Now);
        Schedule();
    }

    private static byte[] MakePattern()
    {
        var bytes = new byte[65_521];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    private UtpSecrets Secrets() =>
        new(
            (ushort)_world.Random.Next(65536),
            (ushort)_world.Random.Next(65536),
            (uint)_world.Random.NextInt64(uint.MaxValue)
        );

    private void Greet(in UtpPacket packet)
    {
        if (packet.Header.Type == UtpPacketType.Syn)
        {
            if (_syns.TryAnswer(Somewhere, packet.Header, Secrets(), Now, out var pending))
            {
                Span<byte> answer = stackalloc byte[UtpHeader.Size];
                pending.WriteAnswer(answer, packet.Header, 256 * 1024, Now);
                Send(answer, answer.Length, isProbe: false);
            }
        }
        else if (_syns.TryProve(Somewhere, packet.Header, out var proven))
        {
            Connection = UtpConnection.Answer(_setting, proven, Now);
            Connection.Receive(packet, Now);
        }
    }

    private void ReadAll()
    {
        var allowed = ReadRate == 0 ? long.MaxValue : ReadRate * _world.Now / 1_000_000 - Read;
        while (
            allowed > 0
            && Connection!.Read(_buffer.AsSpan(0, (int)Math.Min(_buffer.Length, allowed)), Now) is > 0 and var count
        )
        {
            var read = _buffer.AsSpan(0, count);
            while (!read.IsEmpty)
            {
                var expected = Pattern.AsSpan((int)(Read % Pattern.Length));
                var part = Math.Min(expected.Length, read.Length);
                if (!read[..part].SequenceEqual(expected[..part]))
                {
                    throw new InvalidOperationException($"wrong bytes at {Read}");
                }

                Read += part;
                read = read[part..];
            }

            allowed -= count;
        }
    }

    private void WriteAll()
    {
        while (Written < ToWrite && Connection!.End == UtpEnd.None)
        {
            var piece = Pattern.AsSpan((int)(Written % Pattern.Length));
            piece = piece[..(int)Math.Min(piece.Length, ToWrite - Written)];
            if (WriteSize > 0)
            {
                piece = piece[..Math.Min(piece.Length, WriteSize)];
            }

            var count = Connection.Write(piece);
            Written += count;
            if (count < piece.Length)
            {
                break;
            }
        }

        if (EndsWriting && Written == ToWrite)
        {
            Connection!.EndWriting();
        }
    }

    private void Schedule()
    {
        var due = Connection!.NextDue;
        var at =
            due == TimeSpan.MaxValue
                ? long.MaxValue
                : _world.Now + (long)Math.Max((due - Now).TotalMicroseconds / (1 + Drift), 0) + 1;
        if (ReadRate > 0)
        {
            at = Math.Min(at, _world.Now + 5_000);
        }

        if (at < _wakeAt)
        {
            _wakeAt = at;
            _world.Wake(this, at);
        }
    }
}
