using Shoal.Engine;

namespace Shoal.UnitTests;

public class EventMailboxTests
{
    [Fact]
    public void The_writer_that_finds_it_idle_must_run_it_and_later_writers_need_not()
    {
        var mailbox = new EventMailbox<int>(10);

        Assert.True(mailbox.Write([1, 2], out var first));
        Assert.True(mailbox.Write([3], out var second));

        Assert.True(first);
        Assert.False(second);
        Assert.Equal([1, 2, 3], mailbox.Take()!);
        Assert.Null(mailbox.Take());
        Assert.True(mailbox.Write([4], out var afterIdle));
        Assert.True(afterIdle);
    }

    [Fact]
    public void What_is_written_while_the_reader_works_comes_with_the_next_take()
    {
        var mailbox = new EventMailbox<int>(10);
        mailbox.Write([1], out _);
        var batch = mailbox.Take()!;

        mailbox.Write([2], out var mustRun);

        Assert.False(mustRun);
        Assert.Equal([1], batch);
        Assert.Equal([2], mailbox.Take()!);
    }

    [Fact]
    public void A_full_mailbox_makes_the_writer_wait_until_the_reader_has_taken()
    {
        var mailbox = new EventMailbox<int>(2);
        Assert.Null(mailbox.TryWriteOrWait([1, 2], out _, out _));

        var room = mailbox.TryWriteOrWait([3], out var accepted, out _);

        Assert.False(accepted);
        Assert.False(room!.IsCompleted);
        mailbox.Take();
        Assert.True(room.IsCompleted);
        Assert.Null(mailbox.TryWriteOrWait([3], out accepted, out _));
        Assert.True(accepted);
    }

    [Fact]
    public void A_closed_mailbox_refuses_new_items_delivers_old_ones_and_frees_those_who_wait()
    {
        var mailbox = new EventMailbox<int>(1);
        mailbox.Write([1], out _);
        var room = mailbox.TryWriteOrWait([2], out _, out _);

        mailbox.Close();

        Assert.True(room!.IsCompleted);
        Assert.False(mailbox.Write([3], out _));
        Assert.Equal([1], mailbox.Take()!);
    }
}
