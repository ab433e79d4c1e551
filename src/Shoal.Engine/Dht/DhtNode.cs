using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The node of the DHT that we are at one of our addresses, in one family: datagrams, time and wishes in, datagrams
/// and results out. Several addresses are several nodes, each with an id and a table of its own (BEP 45: "any DHT
/// node using multiple socket addresses should appear to the outside world as separate, independent DHT nodes").
/// </summary>
internal sealed partial class DhtNode
{
    private readonly DhtCommons _commons;
    private readonly DhtLimits _limits;
    private readonly AddressFamily _family;
    private readonly Dictionary<uint, PendingQuery> _pending = [];
    private readonly List<DhtSearch> _searches = [];
    private readonly Queue<DhtSearch> _waitingSearches = new();
    private readonly ArrayBufferWriter<byte> _output = new(KrpcReader.MaxDatagram);
    private readonly Dictionary<IPEndPoint, LookupInformant> _informants = [];
    private readonly RoundTripTime _roundTrip = new();
    private RoutingTable _table;
    private TimeSpan _lastAnswer = TimeSpan.MinValue / 2;

    /// <param name="commons">Shared with the nodes at our other addresses.</param>
    /// <param name="socket">The number of the socket that goes with the address.</param>
    /// <param name="family">IPv4 or IPv6.</param>
    /// <param name="saved">What <see cref="Save"/> gave before; null for a new node.</param>
    /// <param name="now">Time since any fixed moment; never goes back.</param>
    public DhtNode(DhtCommons commons, int socket, AddressFamily family, DhtNodeState? saved, TimeSpan now)
    {
        _commons = commons;
        _limits = commons.Limits;
        Number = socket;
        _family = family;
        _table = new RoutingTable(_limits, saved?.Id ?? commons.Random.NextNodeId(), now);
        _saved = saved?.Nodes ?? [];
    }

    public int Number { get; }

    public AddressFamily Family => _family;

    public NodeId Id => _table.Own;

    public RoutingTable Table => _table;

    /// <summary>Our address as others see it; null while they do not agree.</summary>
    public IPAddress? ExternalAddress => _verdict ?? _vote.Winner;

    /// <summary>The same by the word of those alone whom this node asked; null: they do not agree.</summary>
    public IPAddress? VotedAddress => _vote.Winner;

    /// <summary>The node of the other family, if we have one: its contacts go into answers that want them.</summary>
    public DhtNode? Sibling { get; set; }

    /// <summary>Whether time matters in fractions of a second now.</summary>
    public bool IsBusy => _pending.Count > 0 || _searches.Count > 0;

    /// <summary>What others announced to us.</summary>
    public PeerStore Peers => _family == AddressFamily.InterNetwork ? _commons.PeersIPv4 : _commons.PeersIPv6;

    public void Receive(IPEndPoint source, ReadOnlySpan<byte> datagram, TimeSpan now, DhtEffects effects)
    {
        if (!DhtAddress.IsUsable(source) || !_commons.Sources.TryTake(source.Address, now))
        {
            return;
        }

        switch (KrpcReader.Read(datagram, out var message, out var badQuery))
        {
            case KrpcReadStatus.BadQuery:
                if (!_commons.IsReadOnly && _commons.Answers.TryTake(1, now))
                {
                    SendError(source, badQuery, KrpcErrorCode.Protocol, "invalid arguments", now, effects);
                }

                break;
            case KrpcReadStatus.Ok when message is KrpcQuery query:
                HandleQuery(source, query, now, effects);
                break;
            case KrpcReadStatus.Ok:
                HandleAnswer(source, message!, now, effects);
                break;
        }
    }

    /// <summary>Starts a search, or puts it in line.</summary>
    public void Start(DhtSearch search, TimeSpan now, DhtEffects effects)
    {
        if (_searches.Count >= _limits.ConcurrentLookups)
        {
            _waitingSearches.Enqueue(search);
            return;
        }

        _searches.Add(search);
        search.TakeOwn(Peers, _commons.Items, effects);
        var seeds = _table.Closest(search.Lookup.Target, _limits.K * 2, forAnswer: false);
        foreach (var (index, contact) in seeds.Index())
        {
            if (index < _limits.K)
            {
                search.Lookup.AddStart(contact);
            }
            else
            {
                search.Lookup.Add(contact, null, 1);
            }
        }

        if (seeds.Count < _limits.K)
        {
            SeedFromOutside(search.Lookup);
        }

        Advance(search, now, effects);
    }

    /// <summary>Gives up a search; no result of it comes any more.</summary>
    public void Cancel(int number)
    {
        _searches.RemoveAll(search => search.Number == number);
        for (var i = _waitingSearches.Count; i > 0; i--)
        {
            var search = _waitingSearches.Dequeue();
            if (search.Number != number)
            {
                _waitingSearches.Enqueue(search);
            }
        }
    }

    /// <summary>To be called a few times a second while <see cref="IsBusy"/>, else about once a second.</summary>
    public void Tick(TimeSpan now, DhtEffects effects)
    {
        if (_pending.Count > 0)
        {
            ExpireQueries(now, effects);
        }

        // What waited for the allowance of queries, or for a place.
        for (var i = _searches.Count - 1; i >= 0; i--)
        {
            Advance(_searches[i], now, effects);
        }

        while (_waitingSearches.Count > 0 && _searches.Count < _limits.ConcurrentLookups)
        {
            Start(_waitingSearches.Dequeue(), now, effects);
        }

        Maintain(now, effects);
    }

    private void HandleAnswer(IPEndPoint source, KrpcMessage message, TimeSpan now, DhtEffects effects)
    {
        // An answer counts only with the number and from the address of a query of ours.
        if (
            message.TransactionId.Length != 4
            || !_pending.TryGetValue(BitConverter.ToUInt32(message.TransactionId), out var pending)
            || !pending.To.Equals(source)
        )
        {
            return;
        }

        _pending.Remove(pending.Number);
        _lastAnswer = now;
        if (message is KrpcError error)
        {
            // It lives, but did not do what it was asked.
            if (pending.IsStore)
            {
                pending.Search!.StoreRefused(error.Code);
            }

            Lost(pending, now, effects);
            return;
        }

        var response = (KrpcResponse)message;
        if (response.Id == Id)
        {
            Lost(pending, now, effects);
            return;
        }

        _roundTrip.Measured(now - pending.SentAt);
        if (pending.Expected is { } expected && expected != response.Id)
        {
            _table.Evict(source);
        }
        else
        {
            _table.Responded(new NodeContact(response.Id, source), now);
            CountVote(response, source, now);
        }

        var search = pending.Search;
        if (search is null || !_searches.Contains(search))
        {
            return;
        }

        if (pending.IsStore)
        {
            search.StoreEnded(true);
        }
        else if (!search.IsStoring)
        {
            TakeAnswer(search, pending.Candidate!, response, now, effects);
        }

        Advance(search, now, effects);
    }

    private void TakeAnswer(
        DhtSearch search,
        LookupCandidate candidate,
        KrpcResponse response,
        TimeSpan now,
        DhtEffects effects
    )
    {
        var informant = InformantAt(candidate.EndPoint);
        if (candidate.IsIdKnown && candidate.Id != response.Id)
        {
            // Whoever named it did not say the truth about it.
            candidate.Informant?.WasSilent();
        }
        else
        {
            candidate.Informant?.WasGood();
        }

        search.Lookup.HasAnswered(candidate, response.Id);
        candidate.Token = response.Token;
        search.Take(candidate, response, effects);
        // Those without a proper id can be as many and as near as somebody likes: once we have a foothold among the
        // others, those are asked the way.
        var isProper = NodeIdRule.IsValid(response.Id, candidate.EndPoint.Address);
        if (informant.IsSuspect || !isProper && search.Lookup.VerifiedAnswered >= _limits.K / 2)
        {
            return;
        }

        var ours = _family == AddressFamily.InterNetwork ? response.Nodes : response.Nodes6;
        var others = _family == AddressFamily.InterNetwork ? response.Nodes6 : response.Nodes;
        foreach (var contact in (ours ?? []).Take(_limits.K))
        {
            if (contact.Id != Id && DhtAddress.MayBeNamedBy(contact.EndPoint, candidate.EndPoint.Address))
            {
                search.Lookup.Add(contact, informant, candidate.Hops + 1);
            }
        }

        foreach (var contact in (others ?? []).Take(_limits.K))
        {
            if (DhtAddress.MayBeNamedBy(contact.EndPoint, candidate.EndPoint.Address))
            {
                Sibling?.Suggest(contact);
            }
        }
    }

    private LookupInformant InformantAt(IPEndPoint endPoint)
    {
        if (_informants.TryGetValue(endPoint, out var informant))
        {
            return informant;
        }

        if (_informants.Count >= _limits.Informants)
        {
            // Those that matter come again and are counted anew.
            _informants.Clear();
        }

        informant = new LookupInformant();
        _informants.Add(endPoint, informant);
        return informant;
    }

    // Sends what may be sent; ends the lookup when it is over, and the search when all is stored.
    private void Advance(DhtSearch search, TimeSpan now, DhtEffects effects)
    {
        if (!search.IsStoring)
        {
            while (!search.HasEnough && CanQuery(now) && search.Lookup.Next() is { } candidate)
            {
                var pending = AddPending(candidate.EndPoint, now);
                pending.Search = search;
                pending.Candidate = candidate;
                pending.Expected = candidate.IsIdKnown ? candidate.Id : null;
                SendQuery(pending, search.Ask(Head(pending), pending.To), now, effects);
            }

            if (!search.HasEnough && !search.Lookup.IsDone)
            {
                return;
            }

            BeginStoring(search, now, effects);
        }

        if (search.StoresWaiting == 0 && _searches.Remove(search))
        {
            search.Finish(effects);
        }
    }

    private void BeginStoring(DhtSearch search, TimeSpan now, DhtEffects effects)
    {
        var stores = new List<(PendingQuery Pending, KrpcQuery Query)>();
        foreach (var place in search.Lookup.StoreAt())
        {
            // At most K, and only at the end of a lookup: these wait for no allowance.
            var pending = AddPending(place.EndPoint, now);
            pending.Search = search;
            pending.IsStore = true;
            var query = search.Store(Head(pending), place);
            if (query is null)
            {
                _pending.Remove(pending.Number);
                break;
            }

            stores.Add((pending, query));
        }

        search.BeginStoring(stores.Count);
        foreach (var (pending, query) in stores)
        {
            SendQuery(pending, query, now, effects);
        }
    }
}
