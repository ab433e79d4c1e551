using System.Globalization;
using System.Net;
using System.Text;
using Shoal.Protocol;

namespace Shoal.Benchmarks;

/// <summary>What a long list of addresses costs: reading it, keeping it, and asking whether an address is in there.</summary>
internal static class FilterBenchmark
{
    private const int Asked = 1 << 16;
    private const int Rounds = 64;

    public static int Run(string[] arguments)
    {
        var ranges = arguments.Length > 0 ? int.Parse(arguments[0], CultureInfo.InvariantCulture) : 1_000_000;
        foreach (var isV6 in (bool[])[false, true])
        {
            Measure(ranges, isV6);
        }

        return 0;
    }

    private static void Measure(int ranges, bool isV6)
    {
        var random = new Random(1);
        var list = List(ranges, isV6, random);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var started = Environment.CpuUsage.TotalTime;
        var filter = Read(list);
        var reading = Environment.CpuUsage.TotalTime - started;
        var kept = GC.GetTotalMemory(forceFullCollection: true) - before;
        var addresses = Enumerable.Range(0, Asked).Select(_ => Address(isV6, random)).ToArray();
        var found = 0;
        var cpu = Environment.CpuUsage.TotalTime;
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var address in addresses)
            {
                found += filter.Contains(address) ? 1 : 0;
            }
        }

        var nanoseconds = (Environment.CpuUsage.TotalTime - cpu).TotalNanoseconds / (Rounds * Asked);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{(isV6 ? "IPv6" : "IPv4")}: {ranges} ranges, {list.Length >> 20} MiB of P2P, read in {reading.TotalSeconds:F2} s of CPU; {filter.Count} kept in {kept / 1048576.0:F1} MiB; {nanoseconds:F0} ns to ask, {100 * found / (Rounds * Asked)} % found"
            )
        );
    }

    private static IpFilter Read(byte[] list)
    {
        var builder = new IpFilterBuilder(IpFilterLimits.Default);
        var reader = new IpFilterReader(IpFilterLimits.Default, builder);
        reader.TryRead(list);
        return reader.TryFinish() ? builder.Build() : throw new InvalidDataException(reader.Error);
    }

    private static byte[] List(int ranges, bool isV6, Random random)
    {
        var text = new StringBuilder();
        for (var i = 0; i < ranges; i++)
        {
            var bytes = Address(isV6, random).GetAddressBytes();
            var first = new IPAddress(bytes);
            bytes[^1] |= 0x7F;
            bytes[^2] |= 0x03;
            text.Append(CultureInfo.InvariantCulture, $"Some organisation no. {i}:{first}-{new IPAddress(bytes)}\n");
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }

    private static IPAddress Address(bool isV6, Random random)
    {
        var bytes = new byte[isV6 ? 16 : 4];
        random.NextBytes(bytes);
        if (isV6)
        {
            (bytes[0], bytes[1]) = (0x20, 0x01);
        }

        return new IPAddress(bytes);
    }
}
