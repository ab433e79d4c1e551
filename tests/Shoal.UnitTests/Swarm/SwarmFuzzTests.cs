using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class SwarmFuzzTests
{
    /// <summary>
    /// Peers that send anything in any order: the swarm never throws, its invariants hold around every event, and every
    /// buffer comes back.
    /// </summary>
    [Fact]
    public void No_order_of_messages_breaks_a_swarm() =>
        Fuzz.Run(
            40,
            random =>
            {
                var format = (TorrentFormat)random.Next(3);
                var torrent = new TorrentBuilder(format, 32 * 1024).File("a", 150_000, 3).File("b", 40_000, 4).Build();
                var fixture = new SwarmFixture(torrent, isSeed: random.Next(3) == 0);
                var peers = new List<PeerHandle>();
                for (var step = 0; step < 400; step++)
                {
                    fixture.Now += TimeSpan.FromMilliseconds(random.Next(50));
                    var effects = random.Next(20) switch
                    {
                        0 when peers.Count < 8 => Join(),
                        1 => fixture.Do(new SwarmEvent(SwarmEventKind.Tick)),
                        2 when peers.Count > 0 => Leave(),
                        3 => fixture.Do(SwarmScriptTests.Hashed(torrent, random.Next(3), random.Next(4) > 0)),
                        4 => fixture.Do(
                            new SwarmEvent(SwarmEventKind.Command, Payload: RandomCommand(random, torrent))
                        ),
                        _ when peers.Count > 0 => RandomMessage(),
                        _ => Join(),
                    };
                    SwarmFixture.Release(effects);
                    fixture.Rest();
                }

                Assert.Equal(0, fixture.Pool.Leased);

                List<SwarmEffect> Join()
                {
                    peers.Add(fixture.Join(out var greeting, (PeerCapabilities)random.Next(16)));
                    return greeting;
                }

                List<SwarmEffect> Leave()
                {
                    var peer = peers[random.Next(peers.Count)];
                    peers.Remove(peer);
                    return fixture.Do(
                        new SwarmEvent(SwarmEventKind.PeerLeft, peer, Payload: DisconnectReason.ConnectionLost)
                    );
                }

                List<SwarmEffect> RandomMessage()
                {
                    var peer = peers[random.Next(peers.Count)];
                    var id = (MessageId)random.Next(25);
                    uint[] integers = [0, 1, 2, 3, 5, 16384, 32768, uint.MaxValue];
                    uint Pick() => integers[random.Next(integers.Length)];
                    object? payload = null;
                    if (id == MessageId.Piece)
                    {
                        return fixture.Block(peer, (uint)random.Next(6), 0, random.Next(3) > 0);
                    }

                    if (id is MessageId.Bitfield or MessageId.Extended or >= MessageId.HashRequest)
                    {
                        var bytes = new byte[random.Next(3) == 0 ? 1 : random.Next(80)];
                        random.NextBytes(bytes);
                        payload = random.Next(2) == 0 ? bytes : "d1:md11:ut_metadatai3eee"u8.ToArray();
                    }

                    return fixture.Message(peer, id, Pick(), Pick(), Pick(), payload);
                }
            }
        );

    private static SwarmCommand RandomCommand(Random random, BuiltTorrent torrent) =>
        random.Next(9) switch
        {
            0 => new SwarmCommand.Resume(),
            1 => new SwarmCommand.SetSequential(random.Next(2) == 0),
            2 => new SwarmCommand.SetSuperSeeding(random.Next(2) == 0),
            3 => new SwarmCommand.SetDeadline(torrent.Metainfo.Layout.Piece(random.Next(3)), TimeSpan.FromSeconds(5)),
            4 => new SwarmCommand.SetFilePriorities([
                .. torrent.Metainfo.Files.Select(_ => random.Next(2) == 0 ? FilePriority.Skip : FilePriority.High),
            ]),
            5 => new SwarmCommand.OpenReader(
                random.Next(4),
                random.NextInt64(torrent.Metainfo.Layout.Extent),
                torrent.Metainfo.Layout.Extent
            ),
            6 => new SwarmCommand.MoveReader(random.Next(4), random.NextInt64(torrent.Metainfo.Layout.Extent)),
            7 => new SwarmCommand.CloseReader(random.Next(4)),
            _ => random.Next(4) == 0 ? new SwarmCommand.Pause() : new SwarmCommand.Resume(),
        };
}
