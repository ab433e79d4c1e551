using BenchmarkDotNet.Running;
using Shoal.Benchmarks;

// Each benchmark is a word on the command line.
return args switch
{
    ["link", .. var rest] => await LinkBenchmark.RunAsync(rest),
    ["link-tls", .. var rest] => await LinkBenchmark.RunAsync(rest, isSecure: true),
    ["link-receive", var port, var gigabytes, var members] => await LinkBenchmark.ReceiveAsync(
        port,
        gigabytes,
        members
    ),
    ["members", var folder, var mebibytes] => await MemberBenchmark.RunAsync(folder, mebibytes),
    ["disk", var folder, var gigabytes] => await DiskBenchmark.RunAsync(folder, gigabytes),
    ["idle", .. var rest] => await IdleBenchmark.RunAsync(rest),
    ["micro", .. var rest] => Micro(rest),
    ["filter", .. var rest] => FilterBenchmark.Run(rest),
    ["udp", .. var rest] => await UdpBenchmark.RunAsync(rest),
    ["first-piece", var link, var peer, var folder, var runs] => await FirstPieceBenchmark.RunAsync(
        link,
        peer,
        folder,
        runs
    ),
    ["swarm", .. var rest] => SwarmBenchmark.Run(rest),
    ["stress", .. var rest] => await StressRun.RunAsync(rest),
    ["utp", .. var rest] => UtpBenchmark.Run(rest),
    _ => Usage(),
};

static int Micro(string[] rest)
{
    // Without a filter: all of them.
    string[] arguments = rest.Length > 0 ? rest : ["--filter", "*"];
    BenchmarkSwitcher.FromAssembly(typeof(WireBenchmarks).Assembly).Run(arguments, new MicroConfig());
    return 0;
}

static int Usage()
{
    Console.Error.WriteLine("usage: Shoal.Benchmarks link [GIB]    two links over loopback TCP, one process each");
    Console.Error.WriteLine("       Shoal.Benchmarks link-tls [GIB]  the same between members of an invited swarm");
    Console.Error.WriteLine("       Shoal.Benchmarks members DIR MIB  a transfer, for everybody and between members");
    Console.Error.WriteLine("       Shoal.Benchmarks disk DIR GIB  writing, reading and checking, in DIR");
    Console.Error.WriteLine("       Shoal.Benchmarks filter [N]    a list of N ranges of addresses: read, keep, ask");
    Console.Error.WriteLine(
        "       Shoal.Benchmarks idle [N] [seeds] [dht [nodes]]  N torrents that have nothing to do: add, keep, start again"
    );
    Console.Error.WriteLine("       Shoal.Benchmarks udp [MIB]     datagrams over loopback, both ends in one process");
    Console.Error.WriteLine("       Shoal.Benchmarks first-piece LINK PEER DIR RUNS   (see bench/first-piece)");
    Console.Error.WriteLine("       Shoal.Benchmarks micro [--filter *Pick*]");
    Console.Error.WriteLine(
        "                                      single functions: wire, picker, tick, bencode, hashes, DHT"
    );
    Console.Error.WriteLine("       Shoal.Benchmarks swarm ...     one origin and many receivers, in virtual time");
    Console.Error.WriteLine("       Shoal.Benchmarks stress [SECONDS [SEED]]");
    Console.Error.WriteLine(
        "                                      engines whose users do everything at random: is there a race?"
    );
    Console.Error.WriteLine("       Shoal.Benchmarks utp [paths | buffer | loss | order | shared]");
    Console.Error.WriteLine("                                      uTP on simulated paths, in virtual time");
    return 2;
}
