using Shoal.Membership;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class ReceiptLedgerTests : IDisposable
{
    private static readonly DateTimeOffset Now = Authority.Now;

    private readonly CustodyFixture _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Only_what_is_new_is_said()
    {
        var ledger = Ledger();
        Assert.Null(ledger.Next(Got(), false, Now));
        var first = ledger.Next(Got(100), false, Now.AddMinutes(1))!;
        Assert.Equal([new ReceivedShare(_world.Senders[0], 100)], first.Senders);
        Assert.False(first.IsComplete);
        Assert.Equal(Now, first.Since);
        Assert.Null(ledger.Next(Got(100), false, Now.AddMinutes(2)));
        var more = ledger.Next(Got(100, 50), false, Now.AddMinutes(3))!;
        Assert.Equal(150, more.Total);
        Assert.True(more.Number > first.Number);
        var whole = ledger.Next(Got(100, 50), true, Now.AddMinutes(4))!;
        Assert.True(whole.IsComplete);
        // And when it is lost, that is said too.
        Assert.False(ledger.Next(Got(100, 50), false, Now.AddMinutes(5))!.IsComplete);
    }

    [Fact]
    public void A_later_run_goes_on_from_the_receipt_before_and_says_it_again_since_it_may_have_been_lost()
    {
        var before = Ledger().Next(Got(100, 50), false, Now)!;
        var ledger = Ledger(before, Now.AddDays(1));
        var again = ledger.Next(Got(), false, Now.AddDays(1))!;
        Assert.Equal(before.Senders, again.Senders);
        Assert.True(again.Number > before.Number);
        Assert.Equal(before.Since, again.Since);
        Assert.Null(ledger.Next(Got(), false, Now.AddDays(1)));
        Assert.Equal([200, 50], ledger.Next(Got(100), false, Now.AddDays(1))!.Senders.Select(share => share.Bytes));
    }

    [Fact]
    public void Numbers_go_up_though_the_clock_goes_back_or_the_last_receipt_is_lost()
    {
        var before = Ledger().Next(Got(100), false, Now)!;
        var back = Ledger(before, Now.AddDays(-300)).Next(Got(100), false, Now.AddDays(-300))!;
        Assert.Equal(before.Number + 1, back.Number);
        Assert.True(back.Since <= back.Until);
        Assert.True(Ledger(null, Now.AddSeconds(1)).Next(Got(1), false, Now.AddSeconds(1))!.Number > before.Number);
    }

    [Fact]
    public void More_than_a_receipt_can_say_becomes_how_the_present_copy_came()
    {
        var ledger = Ledger();
        var twice = ledger.Next(Got(2 * CustodyFixture.Size), true, Now)!;
        Assert.Equal(2 * CustodyFixture.Size, twice.Total);
        var third = Ledger(twice, Now.AddDays(1)).Next(Got(100), true, Now.AddDays(1))!;
        Assert.Equal(100, third.Total);
        Assert.Equal(Now.AddDays(1), third.Since);
        // However often it was fetched in one run.
        var many = Ledger().Next(Got(3 * CustodyFixture.Size, CustodyFixture.Size), true, Now)!;
        Assert.Equal(2 * CustodyFixture.Size, many.Total);
        Assert.True(IsTaken(many));
    }

    [Fact]
    public void Another_content_under_the_same_name_begins_anew_and_ourselves_we_give_nothing()
    {
        var before = Ledger().Next(Got(100), false, Now)!;
        var other = before with { Content = before.Content with { Torrent = default } };
        Assert.Null(Ledger(other, Now).Next(Got(), false, Now));
        var received = new Dictionary<MemberId, long> { [_world.Receiver.Member] = 7 };
        Assert.Null(Ledger().Next(received, false, Now));
    }

    [Fact]
    public void Of_more_senders_than_fit_those_who_sent_least_are_left_out()
    {
        var received = Enumerable
            .Range(1, CustodyLimits.MaxSenders + 5)
            .ToDictionary(_ => _world.Authority.NewMember(), number => (long)number);
        var said = Ledger().Next(received, false, Now)!;
        Assert.Equal(CustodyLimits.MaxSenders, said.Senders.Count);
        Assert.Equal(6, said.Senders.Min(share => share.Bytes));
        Assert.True(IsTaken(said));
    }

    [Fact]
    public void Receipts_are_due_now_and_then_and_at_once_when_complete()
    {
        TimeSpan At(double minutes) => TimeSpan.FromMinutes(minutes);
        var schedule = new ReceiptSchedule(At(0));
        Assert.False(schedule.IsDue(At(9.9), false));
        Assert.True(schedule.IsDue(At(10), false));
        schedule.Tried(At(10), false, isSaid: true);
        Assert.False(schedule.IsDue(At(10), false));
        Assert.True(schedule.IsDue(At(10.1), true));
        schedule.Tried(At(10.1), true, isSaid: false);
        // A hub that is away is not asked each second.
        Assert.False(schedule.IsDue(At(10.2), true));
        Assert.True(schedule.IsDue(At(10.6), true));
        schedule.Tried(At(10.6), true, isSaid: true);
        Assert.False(schedule.IsDue(At(20.5), true));
        Assert.True(schedule.IsDue(At(20.6), true));
        schedule.Tried(At(20.6), true, isSaid: true);
        schedule.Hurry();
        Assert.True(schedule.IsDue(At(20.7), true));
        // What a former run could not tell: complete from the beginning.
        Assert.True(new ReceiptSchedule(At(30)).IsDue(At(30), true));
    }

    private ReceiptLedger Ledger(ReceiptFields? last = null, DateTimeOffset? now = null) =>
        new(_world.Content, _world.Receiver.Member, CustodyFixture.Size, last, now ?? Now);

    private Dictionary<MemberId, long> Got(params long[] bytes) =>
        bytes.Select((count, i) => (_world.Senders[i], count)).ToDictionary();

    /// <summary>What a ledger says can be signed, and a hub takes it.</summary>
    private bool IsTaken(ReceiptFields fields) =>
        _world.TryRead(_world.Sign(fields), out TransferReceipt? receipt, out _)
        && receipt!.WhatIsWrong(CustodyFixture.Size) is null;
}
