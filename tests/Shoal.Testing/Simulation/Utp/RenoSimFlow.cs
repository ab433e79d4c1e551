using System.Buffers;

namespace Shoal.Testing;

/// <summary>
/// A long TCP transfer as its textbook has it (Reno with selective acknowledgements): slow start, one packet more each
/// round trip, half after a loss. Both ends in one; only numbers travel.
/// </summary>
internal sealed class RenoSimFlow : IUtpSimActor
{
    private const int Packet = 1452;

    private readonly UtpWorld _world;
    private readonly UtpSimLink _there;
    private readonly UtpSimLink _back;
    private readonly Receiver _receiver;

    // In the order of sending.
    private readonly SortedDictionary<int, long> _inFlight = [];
    private double _window = 10;
    private double _threshold = double.MaxValue;
    private int _next = 1;
    private int _recovery;
    private double _trip = 200_000;
    private long _lastAck;

    public RenoSimFlow(UtpWorld world, UtpSimLink there, UtpSimLink back)
    {
        (_world, _there, _back) = (world, there, back);
        _receiver = new Receiver(this);
    }

    /// <summary>Bytes that came in.</summary>
    public long Received { get; private set; }

    public bool IsStopped { get; set; }

    public void Start()
    {
        _lastAck = _world.Now;
        Wake();
    }

    public void Arrive(byte[] datagram, int length)
    {
        var number = BitConverter.ToInt32(datagram);
        ArrayPool<byte>.Shared.Return(datagram);
        _lastAck = _world.Now;
        if (_inFlight.Remove(number, out var sentAt))
        {
            _trip += (_world.Now - sentAt - _trip) / 8;
            _window += _window < _threshold ? 1 : 1 / _window;
        }

        // What left three before one that arrived is lost.
        while (_inFlight.Count > 0 && _inFlight.First().Key is var oldest && oldest + 3 <= number)
        {
            _inFlight.Remove(oldest);
            if (oldest > _recovery)
            {
                _recovery = _next - 1;
                _threshold = _window = Math.Max(_window / 2, 2);
            }
        }

        Fill();
    }

    public void Wake()
    {
        if (_inFlight.Count > 0 && _world.Now - _lastAck > Math.Max(1_000_000, 3 * _trip))
        {
            _inFlight.Clear();
            _threshold = Math.Max(_window / 2, 2);
            (_window, _recovery, _lastAck) = (1, _next - 1, _world.Now);
        }

        Fill();
        _world.Wake(this, _world.Now + 100_000);
    }

    private void Fill()
    {
        Span<byte> bytes = stackalloc byte[Packet];
        while (!IsStopped && _inFlight.Count < (int)_window)
        {
            BitConverter.TryWriteBytes(bytes, _next);
            _inFlight.Add(_next++, _world.Now);
            _there.Send(_receiver, bytes);
        }
    }

    private sealed class Receiver(RenoSimFlow flow) : IUtpSimActor
    {
        public void Arrive(byte[] datagram, int length)
        {
            flow.Received += length;
            flow._back.Send(flow, datagram.AsSpan(0, 40));
            ArrayPool<byte>.Shared.Return(datagram);
        }

        public void Wake() { }
    }
}
