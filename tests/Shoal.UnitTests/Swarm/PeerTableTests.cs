using System.Net;
using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class PeerTableTests
{
    [Fact]
    public void Finds_who_was_added_and_not_removed_whatever_the_handles()
    {
        var random = new Random(5);
        var table = new PeerTable();
        var there = new Dictionary<int, PeerState>();
        for (var step = 0; step < 5000; step++)
        {
            // Few values, and many with the same low bits, so that they are in each other's way.
            var handle = random.Next(1, 40) + 64 * random.Next(4);
            if (there.Remove(handle, out var leaver))
            {
                table.Remove(leaver);
            }
            else
            {
                there.Add(handle, Create(handle));
                table.Add(there[handle]);
            }

            for (var other = 0; other < 300; other++)
            {
                Assert.Same(there.GetValueOrDefault(other), table.Find(new PeerHandle(other)));
            }
        }
    }

    [Fact]
    public void An_empty_one_finds_nobody_and_forgets_nobody()
    {
        var table = new PeerTable();
        Assert.Null(table.Find(new PeerHandle(7)));
        table.Remove(Create(7));
        Assert.Null(table.Find(new PeerHandle(7)));
    }

    [Fact]
    public void One_handle_is_not_given_to_two()
    {
        var table = new PeerTable();
        table.Add(Create(7));
        Assert.Throws<ArgumentException>(() => table.Add(Create(7)));
    }

    private static PeerState Create(int handle) =>
        new(
            new PeerHandle(handle),
            new PeerIntroduction
            {
                EndPoint = new IPEndPoint(IPAddress.Loopback, handle),
                PeerId = default,
                Capabilities = PeerCapabilities.Fast,
                IsOutgoing = true,
                InfoHash = default,
            },
            TimeSpan.Zero
        );
}
