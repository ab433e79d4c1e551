using System.Net;
using System.Net.Sockets;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class DhtStoreTests
{
    private static readonly IPAddress Source = IPAddress.Parse("8.1.2.3");
    private readonly DhtRandom _random = new(new byte[32]);

    [Fact]
    public void A_token_is_good_for_its_address_and_target_for_five_to_ten_minutes()
    {
        var tokens = new WriteTokens(_random);
        var target = _random.NextNodeId();
        var token = tokens.Create(Source, target, TimeSpan.FromMinutes(4.9));

        Assert.True(tokens.IsValid(token, Source, target, TimeSpan.FromMinutes(4.9)));
        Assert.True(tokens.IsValid(token, Source, target, TimeSpan.FromMinutes(9.9)));
        Assert.False(tokens.IsValid(token, Source, target, TimeSpan.FromMinutes(10)));
        Assert.False(tokens.IsValid(token, IPAddress.Parse("8.1.2.4"), target, TimeSpan.FromMinutes(5)));
        Assert.False(tokens.IsValid(token, Source, _random.NextNodeId(), TimeSpan.FromMinutes(5)));
        Assert.False(tokens.IsValid(token.AsSpan(1), Source, target, TimeSpan.FromMinutes(5)));
        Assert.False(new WriteTokens(_random).IsValid(token, Source, target, TimeSpan.FromMinutes(5)));
    }

    [Fact]
    public void Peers_are_one_for_an_address_bounded_by_source_and_number_and_expire()
    {
        var limits = new DhtLimits
        {
            StoredPeersOfInfoHash = 3,
            StoredPeersOfSource = 2,
            StoredInfoHashes = 4,
        };
        var store = new PeerStore(limits, _random);
        var (a, b, c) = (_random.NextNodeId(), _random.NextNodeId(), _random.NextNodeId());

        Assert.True(store.Announce(a, Peer(1), false, TimeSpan.Zero));
        Assert.True(store.Announce(a, new IPEndPoint(Peer(1).Address, 77), true, TimeSpan.FromMinutes(1)));
        Assert.Equal(1, store.PeerCount);
        Assert.Equal(77, Assert.Single(store.Sample(a, 10, noSeeds: false)!).Port);
        Assert.True(store.Announce(b, Peer(1), false, TimeSpan.FromMinutes(2)));
        Assert.False(store.Announce(c, Peer(1), false, TimeSpan.FromMinutes(2)));

        Assert.True(store.Announce(a, Peer(2), false, TimeSpan.FromMinutes(3)));
        Assert.True(store.Announce(a, Peer(3), false, TimeSpan.FromMinutes(3)));
        Assert.False(store.HasRoom(a));
        Assert.False(store.Announce(a, Peer(4), false, TimeSpan.FromMinutes(3)));
        // BEP 33: rather no seeds.
        Assert.DoesNotContain(store.Sample(a, 3, noSeeds: true)!, peer => peer.Port == 77);
        Assert.True(store.TryScrape(a, out var seeds, out var peers));
        Assert.Equal((1, 2), ((int)Math.Round(seeds.Estimate()), (int)Math.Round(peers.Estimate())));

        // The infohash announced longest ago makes room.
        for (var i = 10; i < 13; i++)
        {
            Assert.True(store.Announce(_random.NextNodeId(), Peer(i), false, TimeSpan.FromMinutes(4)));
        }

        Assert.Equal(4, store.SwarmCount);
        Assert.Null(store.Sample(b, 1, noSeeds: false));
        store.Expire(TimeSpan.FromMinutes(43.5));
        Assert.Equal((3, 3), (store.SwarmCount, store.PeerCount));
        store.Expire(TimeSpan.FromHours(2));
        Assert.Equal((0, 0), (store.SwarmCount, store.PeerCount));
        // The count of the source went down with them.
        Assert.True(store.Announce(c, Peer(1), false, TimeSpan.FromHours(2)));
    }

    [Fact]
    public void Samples_stay_the_same_within_their_interval()
    {
        var store = new PeerStore(new DhtLimits(), _random);
        for (var i = 0; i < 100; i++)
        {
            store.Announce(_random.NextNodeId(), Peer(i), false, TimeSpan.Zero);
        }

        var first = store.Samples(TimeSpan.Zero);
        Assert.Equal((20, 100L), (first.InfoHashes.Count, first.Total));
        Assert.Equal(20, first.InfoHashes.Distinct().Count());
        Assert.Equal(first.InfoHashes, store.Samples(TimeSpan.FromSeconds(first.IntervalSeconds - 1)).InfoHashes);
        Assert.NotEqual(first.InfoHashes, store.Samples(TimeSpan.FromSeconds(first.IntervalSeconds)).InfoHashes);
    }

    [Fact]
    public void Mutable_items_go_forward_only()
    {
        var store = new ItemStore(new DhtLimits(), Verify);

        Assert.Null(Put(store, Item(5, "1:a")));
        Assert.Null(Put(store, Item(5, "1:a")));
        Assert.Equal(KrpcErrorCode.SequenceTooLow, Put(store, Item(5, "1:b")));
        Assert.Equal(KrpcErrorCode.SequenceTooLow, Put(store, Item(4, "1:b")));
        Assert.Equal(KrpcErrorCode.CompareAndSwapMismatch, Put(store, Item(6, "1:b"), cas: 4));
        Assert.Null(Put(store, Item(6, "1:b"), cas: 5));
        Assert.Equal(KrpcErrorCode.BadSignature, Put(store, Item(7, "1:c", isGood: false)));
        Assert.Equal(KrpcErrorCode.Protocol, Put(store, Item(-1, "1:c")));
        Assert.Equal("1:b"u8, store.Find(Item(0, "").Target)!.Value);
        // Without a value stored, what it should be is of no interest.
        Assert.Null(Put(new ItemStore(new DhtLimits(), Verify), Item(9, "1:b"), cas: 3));
    }

    [Fact]
    public void Items_are_bounded_in_size_number_and_by_source()
    {
        var limits = new DhtLimits
        {
            StoredItems = 3,
            StoredItemsOfSource = 2,
            SignatureChecksPerSecond = 1,
        };
        var store = new ItemStore(limits, Verify);
        Assert.Equal(KrpcErrorCode.ValueTooBig, Put(store, DhtItem.Immutable(new byte[1001])));
        Assert.Equal(KrpcErrorCode.SaltTooBig, Put(store, Item(1, "1:a") with { Salt = new byte[65] }));
        Assert.Null(Put(store, DhtItem.Immutable(new byte[1000])));
        Assert.Null(Put(store, DhtItem.Immutable([1])));
        Assert.Equal(KrpcErrorCode.Server, Put(store, DhtItem.Immutable([2])));
        for (byte i = 10; i < 20; i++)
        {
            Assert.Null(store.Put(DhtItem.Immutable([i]), null, Peer(i).Address, TimeSpan.FromSeconds(i)));
        }

        Assert.Equal(3, store.Count);
        Assert.NotNull(store.Find(DhtItem.Immutable([19]).Target));
        store.Expire(TimeSpan.FromHours(3));
        Assert.Equal(0, store.Count);

        // Two checks at once, one more a second.
        var later = TimeSpan.FromHours(4);
        Assert.Null(store.Put(Item(1, "1:a"), null, Source, later));
        Assert.Null(store.Put(Item(2, "1:a"), null, Source, later));
        Assert.Equal(KrpcErrorCode.Server, store.Put(Item(3, "1:a"), null, Source, later));
        Assert.Null(store.Put(Item(3, "1:a"), null, Source, later + TimeSpan.FromSeconds(1)));
        Assert.Equal(KrpcErrorCode.Server, Put(new ItemStore(new DhtLimits(), null), Item(1, "1:a")));
    }

    [Fact]
    public void A_source_is_cut_off_and_others_are_not()
    {
        var limit = new SourceRateLimit(1024, 10, 50, _random);
        var taken = Enumerable.Range(0, 1000).Count(_ => limit.TryTake(Source, TimeSpan.FromSeconds(1)));
        Assert.InRange(taken, 49, 50);
        Assert.True(limit.TryTake(IPAddress.Parse("9.9.9.9"), TimeSpan.FromSeconds(1)));
        var later = Enumerable.Range(0, 1000).Count(_ => limit.TryTake(Source, TimeSpan.FromSeconds(2)));
        Assert.InRange(later, 9, 11);
        // All of one /64 is one source.
        Assert.Equal(
            DhtAddress.Source(IPAddress.Parse("2001:db8::1")),
            DhtAddress.Source(IPAddress.Parse("2001:db8::ffff:2"))
        );
    }

    [Fact]
    public void The_vote_needs_many_networks_and_is_not_turned_easily()
    {
        var vote = new ExternalAddressVote();
        var (us, lie) = (IPAddress.Parse("9.9.9.9"), IPAddress.Parse("66.66.66.66"));
        for (var i = 0; i < 100; i++)
        {
            Assert.False(vote.Vote(IPAddress.Parse("8.0.0." + i), lie));
        }

        var changes = Enumerable
            .Range(0, 60)
            .Count(i => vote.Vote(IPAddress.Parse($"7.{i}.0.1"), i % 5 == 0 ? lie : us));
        Assert.Equal((1, us), (changes, vote.Winner));
        // We have another address now.
        changes = Enumerable.Range(0, 30).Count(i => vote.Vote(IPAddress.Parse($"6.{i}.0.1"), lie));
        Assert.Equal((1, lie), (changes, vote.Winner));
    }

    [Fact]
    public void State_comes_back_and_a_damaged_one_does_no_harm()
    {
        var contact = new NodeContact(_random.NextNodeId(), Peer(1));
        var six = new NodeContact(_random.NextNodeId(), new IPEndPoint(IPAddress.Parse("2001:db8::1"), 9));
        var states = new[]
        {
            new DhtNodeState(_random.NextNodeId(), AddressFamily.InterNetwork, [contact]),
            new DhtNodeState(_random.NextNodeId(), AddressFamily.InterNetworkV6, [six]),
        };
        var bytes = DhtState.Write(states);
        var read = DhtState.Read(bytes);
        Assert.Equal(states.Select(state => state.Id), read.Select(state => state.Id));
        Assert.Equal([contact], read[0].Nodes);
        Assert.Equal([six], read[1].Nodes);

        Fuzz.Run(5_000, random => Assert.True(DhtState.Read(Fuzz.Mutate(random, bytes)).Count <= 16));
    }

    [Fact]
    public void The_schedule_is_patient_and_never_two_at_once()
    {
        var schedule = new DhtAnnounceSchedule(() => 0.5);
        Assert.True(schedule.IsDue(TimeSpan.Zero));
        schedule.Begun();
        Assert.False(schedule.IsDue(TimeSpan.FromHours(1)));

        // Nobody answers: soon again, then ever later.
        schedule.Done(0, 0, true, TimeSpan.FromSeconds(10));
        Assert.Equal(TimeSpan.FromSeconds(12), schedule.Next);
        schedule.Done(0, 0, true, TimeSpan.FromSeconds(20));
        Assert.Equal(TimeSpan.FromSeconds(24), schedule.Next);

        // An answer without peers to one who needs them.
        schedule.Done(8, 0, true, TimeSpan.FromSeconds(30));
        Assert.Equal(TimeSpan.FromSeconds(32), schedule.Next);
        schedule.Done(8, 0, true, TimeSpan.FromSeconds(40));
        Assert.Equal(TimeSpan.FromSeconds(44), schedule.Next);

        // All is well: 15 to 30 minutes; then peers are needed after all.
        schedule.Done(8, 5, false, TimeSpan.FromMinutes(10));
        Assert.Equal(TimeSpan.FromMinutes(32.5), schedule.Next);
        schedule.NeedPeers();
        Assert.Equal(TimeSpan.FromMinutes(10) + TimeSpan.FromSeconds(8), schedule.Next);
    }

    [Fact]
    public void A_way_into_the_dht_is_used_at_once_by_those_who_had_none()
    {
        var schedule = new DhtAnnounceSchedule(() => 0.5);
        schedule.Begun();
        schedule.Joined(TimeSpan.FromSeconds(1));
        Assert.False(schedule.IsDue(TimeSpan.FromSeconds(1)));
        schedule.Done(0, 0, true, TimeSpan.FromSeconds(10));
        schedule.Joined(TimeSpan.FromSeconds(10.5));
        Assert.True(schedule.IsDue(TimeSpan.FromSeconds(10.5)));

        // Who was answered waits for his time.
        schedule.Begun();
        schedule.Done(8, 5, true, TimeSpan.FromSeconds(11));
        schedule.Joined(TimeSpan.FromSeconds(12));
        Assert.False(schedule.IsDue(TimeSpan.FromMinutes(10)));
    }

    private static bool Verify(ReadOnlySpan<byte> key, ReadOnlySpan<byte> message, ReadOnlySpan<byte> proof) =>
        proof[0] == 1;

    private static DhtItem Item(long sequence, string value, bool isGood = true)
    {
        var proof = new byte[64];
        proof[0] = isGood ? (byte)1 : (byte)0;
        return new DhtItem(
            System.Text.Encoding.ASCII.GetBytes(value),
            new KrpcSignature(new byte[32], sequence, proof),
            []
        );
    }

    private static KrpcErrorCode? Put(ItemStore store, DhtItem item, long? cas = null) =>
        store.Put(item, cas, Source, TimeSpan.Zero);

    private static IPEndPoint Peer(int number) => new(new IPAddress([8, 2, (byte)number, 1]), 6000 + number);
}
