using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>A SYN that we have answered, and whose sender has not shown yet that it gets what we send.</summary>
/// <param name="Id">Chosen by the caller.</param>
/// <param name="TheirSequence">Number of the SYN.</param>
/// <param name="OurSequence">Number of our first data packet; only who got our answer knows it.</param>
/// <param name="ClockOffset">Of our timestamps.</param>
/// <param name="AnsweredAt">When the last answer left.</param>
internal readonly record struct UtpPendingSyn(
    ushort Id,
    ushort TheirSequence,
    ushort OurSequence,
    uint ClockOffset,
    TimeSpan AnsweredAt
)
{
    /// <summary>Writes the answer: no longer than the SYN.</summary>
    /// <param name="to">20 bytes.</param>
    /// <param name="syn">What is answered.</param>
    /// <param name="window">Room that we have.</param>
    /// <param name="now">The time.</param>
    public void WriteAnswer(Span<byte> to, in UtpHeader syn, int window, TimeSpan now)
    {
        var clock = (uint)(now.Ticks / TimeSpan.TicksPerMicrosecond) + ClockOffset;
        var difference = syn.Timestamp == 0 ? 0 : Math.Max(clock - syn.Timestamp, 1);
        new UtpHeader(UtpPacketType.State, Id, clock, difference, (uint)window, OurSequence, TheirSequence).Write(to);
    }
}

/// <summary>
/// Callers whose address is not proven. Each costs a few bytes and gets an answer no longer than its SYN, and no data: a
/// flood from forged addresses neither fills memory, nor shuts out others, nor hits those it names.
/// </summary>
internal sealed class UtpSynTable(UtpSynLimits limits)
{
    private readonly Dictionary<(IPEndPoint From, ushort Id), Entry> _entries = [];
    private readonly Dictionary<IPAddress, int> _byNetwork = [];
    private readonly LinkedList<(IPEndPoint From, ushort Id)> _byAge = new();

    private sealed class Entry(UtpPendingSyn syn, LinkedListNode<(IPEndPoint, ushort)> age, TimeSpan since)
    {
        public UtpPendingSyn Syn { get; set; } = syn;
        public LinkedListNode<(IPEndPoint, ushort)> Age { get; } = age;
        public TimeSpan Since { get; } = since;
        public int Answers { get; set; }
        public int Wrong { get; set; }
    }

    public int Count => _entries.Count;

    /// <summary>Takes a SYN; false: it gets no answer.</summary>
    /// <param name="from">Who claims to have sent it.</param>
    /// <param name="header">The SYN.</param>
    /// <param name="secrets">For a new one.</param>
    /// <param name="now">The time.</param>
    /// <param name="pending">What to answer from.</param>
    public bool TryAnswer(
        IPEndPoint from,
        in UtpHeader header,
        UtpSecrets secrets,
        TimeSpan now,
        out UtpPendingSyn pending
    )
    {
        RemoveOld(now);
        pending = default;
        var key = (from, header.ConnectionId);
        if (!_entries.TryGetValue(key, out var entry))
        {
            var network = PeerNetwork.Of(from.Address);
            var fromThere = _byNetwork.GetValueOrDefault(network);
            if (fromThere >= limits.MaxPerNetwork && !IPAddress.IsLoopback(from.Address))
            {
                return false;
            }

            if (_entries.Count >= limits.MaxPending)
            {
                // Whoever means it has answered by now; refusing newcomers would let a flood shut out everybody.
                Remove(_byAge.First!.Value);
                fromThere = _byNetwork.GetValueOrDefault(network);
            }

            var syn = new UtpPendingSyn(
                header.ConnectionId,
                header.Sequence,
                secrets.Sequence,
                secrets.ClockOffset,
                now
            );
            entry = new Entry(syn, _byAge.AddLast(key), now);
            _entries.Add(key, entry);
            _byNetwork[network] = fromThere + 1;
        }
        else if (entry.Syn.TheirSequence != header.Sequence)
        {
            return false;
        }

        if (entry.Answers++ >= limits.MaxAnswers)
        {
            return false;
        }

        entry.Syn = entry.Syn with { AnsweredAt = now };
        pending = entry.Syn;
        return true;
    }

    /// <summary>
    /// Whether a packet proves that its sender got our answer: then the SYN is no longer pending, and the connection begins.
    /// </summary>
    public bool TryProve(IPEndPoint from, in UtpHeader header, out UtpPendingSyn proven)
    {
        proven = default;
        // BEP 29: "the return path has the same ID + 1".
        var key = (from, UtpSequence.Plus(header.ConnectionId, -1));
        if (!_entries.TryGetValue(key, out var entry))
        {
            return false;
        }

        if (
            header.Type is UtpPacketType.Data or UtpPacketType.State or UtpPacketType.Fin
            && header.Acknowledged == UtpSequence.Plus(entry.Syn.OurSequence, -1)
        )
        {
            proven = entry.Syn;
            Remove(key);
            return true;
        }

        // Guessing 16 bits takes more tries than this.
        if (++entry.Wrong >= limits.MaxWrong)
        {
            Remove(key);
        }

        return false;
    }

    private void RemoveOld(TimeSpan now)
    {
        while (_byAge.First is { } oldest && now - _entries[oldest.Value].Since >= limits.Patience)
        {
            Remove(oldest.Value);
        }
    }

    private void Remove((IPEndPoint From, ushort Id) key)
    {
        _entries.Remove(key, out var entry);
        _byAge.Remove(entry!.Age);
        var network = PeerNetwork.Of(key.From.Address);
        var left = _byNetwork[network] - 1;
        if (left == 0)
        {
            _byNetwork.Remove(network);
        }
        else
        {
            _byNetwork[network] = left;
        }
    }
}

/// <summary>Bounds on callers that have proven nothing.</summary>
internal sealed record UtpSynLimits
{
    public static readonly UtpSynLimits Default = new();

    /// <summary>
    /// All of them. Default 1,024; about 300 bytes each. Beyond: the oldest is forgotten, so a caller with a round trip of
    /// 0.2 s gets through as long as there are fewer than 5,000 SYNs a second.
    /// </summary>
    public int MaxPending { get; init; } = 1024;

    /// <summary>
    /// From one IPv4 address or IPv6 /64. Default 8. Beyond: no answer. Does not apply to this machine itself.
    /// </summary>
    public int MaxPerNetwork { get; init; } = 8;

    /// <summary>
    /// Answers to repetitions of one SYN. Default 5, as often as callers try. Beyond: none. With the limits above it is what
    /// a forged address can get from us: 8 · 5 packets of 20 bytes in ten seconds, one for each that was sent to us.
    /// </summary>
    public int MaxAnswers { get; init; } = 5;

    /// <summary>Packets that prove nothing until the caller is forgotten. Default 3.</summary>
    public int MaxWrong { get; init; } = 3;

    /// <summary>How long a caller is remembered. Default 10 s.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);
}
