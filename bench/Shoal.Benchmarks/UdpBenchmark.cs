using System.Diagnostics;
using System.Globalization;
using System.Net;
using Shoal.Engine;

namespace Shoal.Benchmarks;

/// <summary>
/// What datagrams cost on loopback, both ends in this process: a sender that keeps a bounded number in flight, as a
/// protocol with a window does, and a receiver that counts them and says so now and then. CPU is that of both ends.
/// </summary>
internal static class UdpBenchmark
{
    private const long Window = 1024 * 1024;

    public static async Task<int> RunAsync(string[] arguments)
    {
        var mib = arguments.Length > 0 ? int.Parse(arguments[0], CultureInfo.InvariantCulture) : 1024;
        Console.WriteLine("| datagram | calls for | packets/s | MB/s | CPU-s/GiB | lost |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var size in (int[])[1432, 8192, 65000])
        {
            foreach (var calls in (DatagramCalls[])[DatagramCalls.One, DatagramCalls.Many, DatagramCalls.Runs])
            {
                Console.WriteLine(await MeasureAsync(calls, size, (long)mib << 20));
            }
        }

        return 0;
    }

    private static async Task<string> MeasureAsync(DatagramCalls calls, int size, long bytes)
    {
        var local = LocalBinding.Create([IPAddress.Loopback], [], LocalInterface.ReadAll);
        await using var sender = UdpPort.Open(local, 0, best: calls);
        await using var receiver = UdpPort.Open(local, 0, best: calls);
        using var counter = new Counter();
        receiver.Start(counter);
        sender.Start();
        var to = receiver.LocalEndPoints[0];
        var run = new byte[Math.Max(1, 64 * 1024 / size) * size];
        var gibibytes = bytes / (double)(1 << 30);
        var before = Environment.CpuUsage.TotalTime;
        var watch = Stopwatch.StartNew();
        var (sent, lost) = await Task.Run(() => Send(sender, counter, to, run, size, bytes));
        var seconds = watch.Elapsed.TotalSeconds;
        var cpu = (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {size} | {calls} | {sent / seconds:F0} | {bytes / 1e6 / seconds:F0} | {cpu / gibibytes:F2} | {lost} |"
        );
    }

    private static (long Sent, long Lost) Send(
        UdpPort sender,
        Counter counter,
        IPEndPoint to,
        byte[] run,
        int size,
        long bytes
    )
    {
        var packets = bytes / size;
        var window = Math.Max(Window / size, 2);
        long sent = 0;
        long lost = 0;
        while (sent < packets)
        {
            while (sent - lost - counter.Received > window)
            {
                if (!counter.Arrived.WaitOne(100))
                {
                    // What did not come by now does not come.
                    lost = sent - counter.Received;
                }
            }

            var count = (int)Math.Min(run.Length / size, packets - sent);
            sent += sender.Send(0, to, run.AsSpan(0, count * size), size);
        }

        return (sent, lost);
    }

    private sealed class Counter : IDatagramProtocol, IDisposable
    {
        private long _received;

        public long Received => Interlocked.Read(ref _received);

        public AutoResetEvent Arrived { get; } = new(false);

        public bool Claims(ReadOnlySpan<byte> datagram) => true;

        public void Receive(int socket, ReadOnlySpan<ReceivedDatagram> batch)
        {
            Interlocked.Add(ref _received, batch.Length);
            Arrived.Set();
        }

        public void Dispose() => Arrived.Dispose();
    }
}
