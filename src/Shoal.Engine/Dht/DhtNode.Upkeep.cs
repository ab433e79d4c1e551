using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

// How the routing table comes to be and stays fresh.
internal sealed partial class DhtNode
{
    private static readonly TimeSpan MaintenanceInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LastRetry = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan QuestionInterval = TimeSpan.FromSeconds(2);
    private const int PingsPerRound = 2;

    // A torrent may name some, each run of the program a few: more are not needed to find a way in.
    private const int MaxBootstrap = 64;

    // Without any answer for this long our own network is in doubt rather than the nodes.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(20);

    private readonly ExternalAddressVote _vote = new();

    // What all kinds of witnesses agree on, of whom this node's vote is one; null: they have not been heard.
    private IPAddress? _verdict;
    private readonly Queue<NodeContact> _suggested = new();
    private readonly List<IPEndPoint> _bootstrap = [];
    private IReadOnlyList<NodeContact> _saved;
    private NodeSearch? _upkeep;
    private bool _mustJoin;
    private int _bucketsToFill;
    private TimeSpan _nextMaintenance;
    private TimeSpan _nextQuestion;
    private TimeSpan _nextBootstrap;
    private TimeSpan _retry = FirstRetry;

    /// <summary>Where to begin when we know nobody. Addresses that a user, a torrent or a saved state gave.</summary>
    public void AddBootstrap(IPEndPoint endPoint)
    {
        if (
            endPoint.AddressFamily == _family
            && DhtAddress.IsUsable(endPoint)
            && _bootstrap.Count < MaxBootstrap
            && !_bootstrap.Contains(endPoint)
        )
        {
            _bootstrap.Add(endPoint);
            // Somebody new to ask: no reason to wait for the next retry.
            _nextBootstrap = TimeSpan.Zero;
            _retry = FirstRetry;
        }
    }

    /// <summary>Asks an address whether a node is there; it gets into the table by answering.</summary>
    public void Ping(IPEndPoint endPoint, TimeSpan now, DhtEffects effects) => Ping(endPoint, null, now, effects);

    private void Ping(IPEndPoint endPoint, NodeId? expected, TimeSpan now, DhtEffects effects)
    {
        if (endPoint.AddressFamily != _family || !DhtAddress.IsUsable(endPoint) || !CanQuery(now))
        {
            return;
        }

        var pending = AddPending(endPoint, now);
        pending.Expected = expected;
        var head = Head(pending);
        SendQuery(
            pending,
            new KrpcQuery
            {
                TransactionId = head.TransactionId,
                Version = head.Version,
                Id = head.Id,
                IsReadOnly = head.IsReadOnly,
                Method = KrpcMethod.Ping,
            },
            now,
            effects
        );
    }

    /// <summary>What to keep for the next start: our id and those who answered last.</summary>
    public DhtNodeState Save() =>
        new(
            Id,
            _family,
            [
                .. _table
                    .Nodes.Where(node => !node.IsBad)
                    .OrderByDescending(node => node.IsVerified)
                    .ThenByDescending(node => node.LastResponse)
                    .Take(_limits.SavedNodes)
                    .Select(node => node.Contact),
            ]
        );

    private DhtLimits UpkeepLimits => _limits with { LookupQueries = _limits.UpkeepQueries };

    // A node that may be worth knowing, by its own word or another's.
    private void Suggest(NodeContact contact)
    {
        if (
            _suggested.Count < _limits.PingQueue
            && DhtAddress.IsUsable(contact.EndPoint)
            && _table.HasRoomFor(contact)
            && !_suggested.Contains(contact)
        )
        {
            _suggested.Enqueue(contact);
        }
    }

    private void SeedFromOutside(DhtLookup lookup)
    {
        foreach (var endPoint in _bootstrap)
        {
            lookup.AddUnnamed(endPoint);
        }

        foreach (var contact in _saved)
        {
            lookup.AddUnnamed(contact.EndPoint);
        }
    }

    private void Maintain(TimeSpan now, DhtEffects effects)
    {
        if (now < _nextMaintenance)
        {
            return;
        }

        _nextMaintenance = now + MaintenanceInterval;
        for (var i = 0; i < PingsPerRound && _suggested.TryDequeue(out var contact); i++)
        {
            if (_table.Find(contact.EndPoint) is null)
            {
                Ping(contact.EndPoint, contact.Id, now, effects);
            }
        }

        if (_upkeep is not null && !_searches.Contains(_upkeep))
        {
            UpkeepEnded(now);
        }

        if (_upkeep is null)
        {
            _upkeep = NextUpkeep(now);
            if (_upkeep is not null)
            {
                Start(_upkeep, now, effects);
            }
        }

        // BEP 5: "If there are any questionable nodes in the bucket have not been seen in the last 15 minutes, the least
        // recently seen node is pinged."
        if (now >= _nextQuestion)
        {
            _nextQuestion = now + QuestionInterval;
            if (_table.MostQuestionable(now) is { } node)
            {
                node.LastChecked = now;
                Ping(node.EndPoint, node.Id, now, effects);
            }
        }
    }

    private void UpkeepEnded(TimeSpan now)
    {
        if (_upkeep!.Lookup.Target == Id && _upkeep.Lookup.Answered > 0)
        {
            // Joined: the buckets far from us know only those on the way here.
            _bucketsToFill = _table.BucketCount - 1;
            _saved = [];
        }

        _upkeep = null;
        if (_table.Count < _limits.K)
        {
            _nextBootstrap = now + _retry;
            _retry = _retry * 2 < LastRetry ? _retry * 2 : LastRetry;
        }
        else
        {
            _retry = FirstRetry;
        }
    }

    private NodeSearch? NextUpkeep(TimeSpan now)
    {
        // BEP 5: "Upon inserting the first node into its routing table and when starting up thereafter, the node should
        // attempt to find the closest nodes in the DHT to itself."
        var isAlone = now >= _nextBootstrap && _table.Count < _limits.K;
        if ((isAlone || _mustJoin) && _table.Count + _bootstrap.Count + _saved.Count > 0)
        {
            _mustJoin = false;
            return new NodeSearch(Id, _limits);
        }

        if (_bucketsToFill > 0 && _table.Count > 0)
        {
            return new NodeSearch(_table.TargetIn(--_bucketsToFill, _commons.Random), UpkeepLimits);
        }

        // BEP 5: "Buckets that have not been changed in 15 minutes should be "refreshed." This is done by picking a random
        // ID in the range of the bucket and performing a find_nodes search on it."
        return _table.Count > 0 && _table.StaleTarget(_commons.Random, now) is { } target
            ? new NodeSearch(target, UpkeepLimits)
            : null;
    }

    private void CountVote(KrpcResponse response, IPEndPoint voter, TimeSpan now)
    {
        // Known liars have no vote. Those without a proper id have: when all have just begun nobody has one.
        if (
            response.YourEndPoint is not { } ours
            || _informants.TryGetValue(voter, out var informant) && informant.IsSuspect
            || !_vote.Vote(voter.Address, ours.Address)
        )
        {
            return;
        }

        // Where there are other witnesses the vote is told to who hears them all, and their verdict counts.
        if (_verdict is null)
        {
            Settle(_vote.Winner!, now);
        }
        else if (!_verdict.Equals(_vote.Winner))
        {
            // First impressions are made by those who push themselves forward: ask others.
            _mustJoin = true;
        }
    }

    /// <summary>All kinds of witnesses agree on our address, of whom the vote among those we ask is one.</summary>
    public void TakeExternalAddress(IPAddress address, TimeSpan now)
    {
        _verdict = address;
        Settle(address, now);
    }

    private void Settle(IPAddress address, TimeSpan now)
    {
        // BEP 42: "A DHT node which receives an ip result in a request SHOULD consider restarting its DHT node with a new
        // node ID, taking this IP into account."
        if (!NodeIdRule.IsValid(Id, address))
        {
            var nodes = _table.Nodes.Where(node => !node.IsBad).Select(node => node.Contact).ToList();
            _table = new RoutingTable(_limits, NodeIdRule.Create(address, _commons.Random), now);
            foreach (var contact in nodes)
            {
                _table.Responded(contact, now);
            }

            // Those next to the new id must get to know us, and we them.
            _mustJoin = true;
        }
    }
}
