using System.Buffers;
using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>What becomes of the others when one that the loop brings to the DHT, or tells of it, has a bug.</summary>
public sealed class DhtLoopTests : IAsyncDisposable
{
    private static readonly IPEndPoint Asker = IPEndPoint.Parse("20.0.0.2:6881");

    private readonly TempFolder _folder = new();
    private readonly MemoryDatagrams _network = new();
    private readonly MemoryDatagrams.Port _port;
    private readonly List<Exception> _faults = [];
    private readonly DhtLoop _loop;

    public DhtLoopTests()
    {
        _port = _network.Open("20.0.0.1:6881");
        _loop = new DhtLoop(
            new DhtLoopOptions
            {
                StateDirectory = _folder.Path,
                Egress = new DirectEgress(LocalBinding.Everywhere),
                Time = new VirtualTime(),
                OnFault = _faults.Add,
            },
            _port
        );
        _port.Start(_loop);
    }

    [Fact]
    public void A_datagram_that_brings_a_bug_to_light_takes_none_of_its_batch_with_it()
    {
        var ping = Ping();
        // No datagram is known that does this, so one comes from nowhere.
        _port.Receive([new ReceivedDatagram(null!, ping), new ReceivedDatagram(Asker, ping)]);

        Assert.IsType<NullReferenceException>(Assert.Single(_faults));
        Assert.Equal(Asker, Assert.Single(_network.Sent).To);
    }

    [Fact]
    public void Who_is_told_and_fails_keeps_nothing_from_the_others_and_nothing_is_told_or_sent_twice()
    {
        var told = 0;
        // What is posted while the loop runs comes as one batch.
        Find(() =>
        {
            Find(() => throw new InvalidTimeZoneException());
            Find(() => told++);
            _port.Receive([new ReceivedDatagram(Asker, Ping())]);
        });
        _port.Receive([new ReceivedDatagram(Asker, Ping())]);

        Assert.IsType<InvalidTimeZoneException>(Assert.Single(_faults));
        Assert.Equal(1, told);
        Assert.Equal(2, _network.Sent.Count(sent => sent.To.Equals(Asker)));
    }

    public async ValueTask DisposeAsync()
    {
        await _loop.DisposeAsync();
        _folder.Dispose();
    }

    private void Find(Action done) => _loop.FindPeers(new PeerQuery(default), _ => { }, _ => done());

    private static byte[] Ping()
    {
        var bytes = new ArrayBufferWriter<byte>();
        var id = new NodeId(Convert.FromHexString("a1b2c3d4e5a1b2c3d4e5a1b2c3d4e5a1b2c3d4e5"));
        KrpcWriter.Write(
            bytes,
            new KrpcQuery
            {
                TransactionId = [1, 2],
                Id = id,
                Method = KrpcMethod.Ping,
                Target = null,
            }
        );
        return bytes.WrittenSpan.ToArray();
    }
}
