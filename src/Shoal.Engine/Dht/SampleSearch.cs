using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// When nodes may be asked for samples again. BEP 51: "interval: the subset refresh interval in seconds"; asking sooner
/// brings the same.
/// </summary>
internal sealed class SampleIntervals
{
    /// <summary>Nodes remembered. Beyond it all are forgotten, and some asked once too often.</summary>
    private const int MaxNodes = 2_000;

    // BEP 51: "between 0 and 21600 inclusive"
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(21_600);

    private readonly Dictionary<IPEndPoint, TimeSpan> _until = [];

    public bool MayAsk(IPEndPoint node, TimeSpan now) => !(_until.GetValueOrDefault(node) > now);

    public void Answered(IPEndPoint node, int intervalSeconds, TimeSpan now)
    {
        if (_until.Count >= MaxNodes)
        {
            _until.Clear();
        }

        var interval = TimeSpan.FromSeconds(Math.Max(0, intervalSeconds));
        _until[node] = now + (interval < Longest ? interval : Longest);
    }
}

/// <summary>
/// sample_infohashes (BEP 51): what the nodes on the way to a target have, as a survey of the DHT; a random target each time
/// covers it by and by.
/// </summary>
internal sealed class SampleSearch(int number, NodeId target, SampleIntervals intervals, TimeSpan now, DhtLimits limits)
    : DhtSearch(number, target, limits)
{
    private readonly int _limit = limits.LookupSamples;

    // What one node says of itself is not to outweigh all the others.
    private readonly long _mostOfOne = limits.StoredInfoHashes * 100L;
    private readonly HashSet<InfoHash> _found = [];
    private long _stored;

    public override KrpcQuery Ask(QueryHead head, IPEndPoint to) =>
        new()
        {
            TransactionId = head.TransactionId,
            Version = head.Version,
            Id = head.Id,
            IsReadOnly = head.IsReadOnly,
            Want = head.Want,
            // Who was asked lately still knows the way.
            Method = intervals.MayAsk(to, now) ? KrpcMethod.SampleInfohashes : KrpcMethod.FindNode,
            Target = Lookup.Target,
        };

    public override void Take(LookupCandidate from, KrpcResponse response, DhtEffects effects)
    {
        if (response.Samples is not { } samples)
        {
            return;
        }

        intervals.Answered(from.EndPoint, samples.IntervalSeconds, now);
        _stored += Math.Clamp(samples.Total, 0, _mostOfOne);
        foreach (var infoHash in samples.InfoHashes)
        {
            if (_found.Count < _limit)
            {
                _found.Add(infoHash);
            }
        }
    }

    public override void Finish(DhtEffects effects) =>
        effects.Results.Add(new DhtResult.SamplesDone(Number, Lookup.Answered, [.. _found], _stored));
}
