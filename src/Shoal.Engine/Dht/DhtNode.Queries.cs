using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

// Our queries that wait for answers.
internal sealed partial class DhtNode
{
    private void ExpireQueries(TimeSpan now, DhtEffects effects)
    {
        List<PendingQuery>? late = null;
        var slowAfter = _roundTrip.SlowAfter(_limits);
        foreach (var pending in _pending.Values)
        {
            if (now - pending.SentAt >= (pending.IsSlow ? _limits.QueryTimeout : slowAfter))
            {
                (late ??= []).Add(pending);
            }
        }

        foreach (var pending in late ?? [])
        {
            if (now - pending.SentAt >= _limits.QueryTimeout)
            {
                _pending.Remove(pending.Number);
                _table.Failed(pending.To, mayForget: now - _lastAnswer < Silence, now);
                Lost(pending, now, effects);
            }
            else
            {
                pending.IsSlow = true;
                if (pending.Candidate is not null)
                {
                    pending.Search!.Lookup.Slow(pending.Candidate);
                    if (now - _lastAnswer < Silence)
                    {
                        pending.Candidate.Informant?.WasSilent();
                    }
                }
            }
        }
    }

    private void Lost(PendingQuery pending, TimeSpan now, DhtEffects effects)
    {
        if (pending.Search is not { } search || !_searches.Contains(search))
        {
            return;
        }

        if (pending.IsStore)
        {
            search.StoreEnded(false);
        }
        else
        {
            search.Lookup.Failed(pending.Candidate!);
        }

        Advance(search, now, effects);
    }

    private bool CanQuery(TimeSpan now) => _pending.Count < _limits.PendingQueries && _commons.Queries.HasRoom(1, now);

    private PendingQuery AddPending(IPEndPoint to, TimeSpan now)
    {
        uint number;
        do
        {
            number = _commons.Random.NextUInt32();
        } while (_pending.ContainsKey(number));

        var pending = new PendingQuery(number, to, now);
        _pending.Add(number, pending);
        return pending;
    }

    private QueryHead Head(PendingQuery pending) =>
        new(
            BitConverter.GetBytes(pending.Number),
            _commons.Version,
            Id,
            _commons.IsReadOnly,
            // BEP 32: "In order to accelerate this process, it should request both IPv4 and IPv6 node information." and
            // only "in steady state" its own.
            Sibling?.Table.Count < _limits.K
                ? KrpcWant.IPv4 | KrpcWant.IPv6
                : KrpcWant.None
        );

    private void SendQuery(PendingQuery pending, KrpcQuery query, TimeSpan now, DhtEffects effects)
    {
        _commons.Queries.TryTake(1, now);
        effects.Datagrams.Add(new DhtDatagram(Number, pending.To, Encode(query)));
    }

    private byte[] Encode(KrpcMessage message)
    {
        _output.ResetWrittenCount();
        KrpcWriter.Write(_output, message);
        return _output.WrittenSpan.ToArray();
    }

    private sealed class PendingQuery(uint number, IPEndPoint to, TimeSpan sentAt)
    {
        public uint Number => number;
        public IPEndPoint To => to;
        public TimeSpan SentAt => sentAt;
        public DhtSearch? Search { get; set; }

        /// <summary>The id that the node should have; null when it is not known.</summary>
        public NodeId? Expected { get; set; }

        /// <summary>Null for pings and stores.</summary>
        public LookupCandidate? Candidate { get; set; }
        public bool IsStore { get; set; }
        public bool IsSlow { get; set; }
    }
}
