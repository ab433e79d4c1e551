using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;
using Shoal.Tracker;

// Announces over UDP: how much CPU time a million costs the tracker. Usage:
//   Shoal.TrackerBench [announces]    our tracker, and opentracker where it is installed
//   Shoal.TrackerBench peers          what a million peers in 1,000 torrents weigh in our tracker
//   Shoal.TrackerBench serve PORT     our tracker, until its input ends
if (args is ["serve", var port])
{
    var endPoint = new IPEndPoint(IPAddress.Loopback, int.Parse(port, CultureInfo.InvariantCulture));
    await using var server = await TrackerServer.StartAsync(new TrackerOptions { UdpEndPoints = [endPoint] });
    await Console.In.ReadToEndAsync();
    Console.Error.WriteLine($"{server.Counters} {GC.GetTotalMemory(true) / 1024} KiB managed");
    return 0;
}

if (args is ["peers"])
{
    await Load.WeighAsync(6979, new ProcessStartInfo(Environment.ProcessPath!, ["serve", "6979"]), Load.Torrents());
    return 0;
}

var announces = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1_000_000;
var torrents = Load.Torrents();
var self = Environment.ProcessPath!;
await Load.RunAsync("shoal", 6979, announces, new ProcessStartInfo(self, ["serve", "6979"]), torrents);
if (OperatingSystem.IsLinux() && File.Exists("/usr/bin/opentracker"))
{
    var folder = Directory.CreateTempSubdirectory("shoal-bench-").FullName;
    // It gives up root, and must still read the list.
    File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
    await File.WriteAllLinesAsync(Path.Combine(folder, "whitelist"), torrents.Select(torrent => torrent.ToString()));
    string[] options = ["-i", "127.0.0.1", "-P", "6980", "-d", folder, "-w", "/whitelist"];
    await Load.RunAsync("opentracker", 6980, announces, new ProcessStartInfo("opentracker", options), torrents);
    Directory.Delete(folder, recursive: true);
}

return 0;

internal static class Load
{
    private const int TorrentCount = 1_000;
    private const int Window = 64;

    /// <summary>As many swarms as the benchmark spreads its announces over.</summary>
    public static InfoHash[] Torrents()
    {
        var random = new Random(1);
        var torrents = new InfoHash[TorrentCount];
        var bytes = new byte[InfoHash.Size];
        for (var i = 0; i < torrents.Length; i++)
        {
            random.NextBytes(bytes);
            torrents[i] = new InfoHash(bytes);
        }

        return torrents;
    }

    public static async Task RunAsync(string name, int port, int announces, ProcessStartInfo start, InfoHash[] torrents)
    {
        start.RedirectStandardInput = true;
        using var process = Process.Start(start)!;
        await Task.Delay(1500);
        // The first part warms up: code is compiled, tables grow.
        Announce(port, announces / 4, torrents, 1);
        process.Refresh();
        var before = process.TotalProcessorTime;
        var kernelBefore = process.PrivilegedProcessorTime;
        var clock = Stopwatch.StartNew();
        var bytes = Announce(port, announces, torrents, 2);
        clock.Stop();
        process.Refresh();
        var kernel = (process.PrivilegedProcessorTime - kernelBefore).TotalSeconds;
        var cpu = (process.TotalProcessorTime - before).TotalSeconds;
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{name}: {cpu * 1e6 / announces:0.00} CPU-s a million ({kernel / cpu:0%} in the kernel), {announces / cpu:0} announces a CPU-second, "
                    + $"{announces / clock.Elapsed.TotalSeconds:0} a second, {bytes / (double)announces:0} bytes an answer, "
                    + $"{process.WorkingSet64 / 1048576} MiB resident"
            )
        );
        process.StandardInput.Close();
        if (name != "shoal")
        {
            process.Kill();
        }

        await process.WaitForExitAsync();
    }

    /// <summary>A million peers: every port of twenty addresses, each in another torrent than the one before.</summary>
    public static async Task WeighAsync(int port, ProcessStartInfo start, InfoHash[] torrents)
    {
        const int addresses = 20;
        const int portsOfEach = 50_000;
        start.RedirectStandardInput = true;
        using var process = Process.Start(start)!;
        await Task.Delay(1500);
        process.Refresh();
        var before = process.WorkingSet64;
        for (var i = 0; i < addresses; i++)
        {
            var from = new IPAddress([127, 0, 1, (byte)(i + 1)]);
            Announce(port, portsOfEach, torrents, sent => ((i + sent) % TorrentCount, (ushort)(sent + 1)), from);
        }

        process.Refresh();
        Console.WriteLine(
            $"{addresses * portsOfEach} peers: {(process.WorkingSet64 - before) / 1048576} MiB more resident"
        );
        process.StandardInput.Close();
        await process.WaitForExitAsync();
    }

    private static long Announce(int port, int count, InfoHash[] torrents, int seed)
    {
        var random = new Random(seed);
        var from = IPAddress.Loopback;
        return Announce(port, count, torrents, _ => (random.Next(torrents.Length), (ushort)random.Next(1, 50)), from);
    }

    /// <summary>Keeps a window of announces on their way, and says how many bytes came back.</summary>
    private static long Announce(
        int port,
        int count,
        InfoHash[] torrents,
        Func<int, (int Torrent, ushort Port)> choose,
        IPAddress from
    )
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.ReceiveTimeout = 1000;
        socket.ReceiveBufferSize = 4 * 1024 * 1024;
        socket.Bind(new IPEndPoint(from, 0));
        socket.Connect(IPAddress.Loopback, port);
        var datagram = new byte[200];
        var answer = new byte[2048];
        var id = Connect(socket, datagram, answer);
        var clock = Stopwatch.StartNew();
        var bytes = 0L;
        for (int sent = 0, received = 0; received < count; )
        {
            while (sent < count && sent - received < Window)
            {
                if (clock.Elapsed > TimeSpan.FromSeconds(50))
                {
                    if (received < sent)
                    {
                        // First what is on its way, then a fresh connection id.
                        break;
                    }

                    id = Connect(socket, datagram, answer);
                    clock.Restart();
                }

                var (torrent, peerPort) = choose(sent);
                var request = new AnnounceRequest
                {
                    InfoHash = torrents[torrent],
                    PeerId = new PeerId("-SH0001-abcdefghijkl"u8),
                    Port = peerPort,
                    Left = sent % 3,
                };
                var length = UdpTrackerRequest.WriteAnnounce((uint)sent, id, request, default, datagram);
                socket.Send(datagram.AsSpan(0, length));
                sent++;
            }

            try
            {
                bytes += socket.Receive(answer);
                received++;
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.TimedOut)
            {
                // Lost: not waited for any longer.
                Console.Error.WriteLine($"{sent - received} answers lost");
                received = sent;
            }
        }

        return bytes;
    }

    private static long Connect(Socket socket, byte[] datagram, byte[] answer)
    {
        while (socket.Available > 0)
        {
            socket.Receive(answer);
        }

        socket.Send(datagram.AsSpan(0, UdpTrackerRequest.WriteConnect(uint.MaxValue, datagram)));
        var length = socket.Receive(answer);
        while (
            UdpTrackerAnswer.TryRead(answer.AsSpan(0, length), UdpTrackerAction.Connect, uint.MaxValue, out _)
            != UdpTrackerFault.None
        )
        {
            length = socket.Receive(answer);
        }

        UdpTrackerAnswer.TryRead(answer.AsSpan(0, length), UdpTrackerAction.Connect, uint.MaxValue, out var result);
        return result.ConnectionId;
    }
}
