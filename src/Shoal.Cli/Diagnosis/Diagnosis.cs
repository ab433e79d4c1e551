using Shoal.Api;

namespace Shoal.Cli;

/// <summary>How bad a finding is.</summary>
internal enum Health
{
    Ok,

    /// <summary>It works, and could work better.</summary>
    Advice,

    /// <summary>Something will not work.</summary>
    Problem,

    /// <summary>It could not be found out.</summary>
    Unknown,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Check">Stable, kebab-case.</param>
/// <param name="Found">What was found, for people.</param>
/// <param name="Advice">What to do; null: nothing.</param>
internal sealed record Finding(string Check, Health Health, string Found, string? Advice = null);

/// <summary>What was measured of this machine; null: it could not be.</summary>
internal sealed record MachineFacts
{
    public long? OpenFiles { get; init; }
    public bool? IsClockSet { get; init; }

    /// <summary>Bytes; net.core.rmem_max and wmem_max of Linux.</summary>
    public long? ReceiveRoom { get; init; }
    public long? SendRoom { get; init; }
    public required string StateDirectory { get; init; }

    /// <summary>Why it cannot be written; null: it can.</summary>
    public string? StateProblem { get; init; }

    /// <summary>Where content goes.</summary>
    public required string Folder { get; init; }
    public string? FolderProblem { get; init; }

    /// <summary>Bytes a second to the disk itself, not to memory.</summary>
    public double? WriteRate { get; init; }
    public long? Free { get; init; }

    /// <summary>Null: no daemon answers.</summary>
    public DaemonStatus? Daemon { get; init; }
    public string? DaemonProblem { get; init; }
}

/// <summary>Judges what was measured. Says what to do, where something is to be done.</summary>
internal static class Diagnosis
{
    /// <summary>Enough for ten thousand torrents and a thousand peers.</summary>
    public const long EnoughFiles = 4096;

    /// <summary>What the engine asks for: below, bursts of datagrams are lost.</summary>
    public const long EnoughRoom = 4 * 1024 * 1024;

    /// <summary>The same for sending.</summary>
    public const long EnoughSendRoom = 1024 * 1024;

    private const double SlowDisk = 20e6;
    private const long LittleSpace = 1024L * 1024 * 1024;

    public static IReadOnlyList<Finding> Of(MachineFacts facts) =>
        [
            Daemon(facts),
            .. facts.Daemon is { } daemon ? new[] { Port(daemon), State(daemon, facts) } : [State(null, facts)],
            Clock(facts),
            Files(facts),
            Udp(facts),
            Disk(facts),
            Space(facts),
        ];

    private static Finding Daemon(MachineFacts facts) =>
        facts.Daemon is { } daemon
            ? new(
                "daemon",
                Health.Ok,
                $"runs, version {daemon.Version}, {TorrentText.Count(daemon.Torrents, "torrent")}{(daemon.Failed > 0 ? $", {daemon.Failed} failed" : "")}",
                daemon.Failed > 0 ? "'shoal list' says why" : null
            )
            : new(
                "daemon",
                Health.Unknown,
                facts.DaemonProblem ?? "does not run",
                "start it with 'shoal daemon', and ask again: then ports are checked too"
            );

    private static Finding Port(DaemonStatus daemon) =>
        daemon.Port == 0 ? new("port", Health.Advice, "nobody can call us: all goes through the proxy")
        : daemon.Reachable ? new("port", Health.Ok, $"peers reach port {daemon.Port}{At(daemon)}")
        : new(
            "port",
            Health.Advice,
            $"nobody has called port {daemon.Port} yet, and no router forwards it",
            $"forward TCP and UDP port {daemon.Port} in the router (network.port sets one that stays), or allow port mapping there (UPnP, NAT-PMP); without it peers are fewer, and everything works"
        );

    private static string At(DaemonStatus daemon) =>
        daemon.ExternalAddresses.Count > 0 ? " at " + string.Join(", ", daemon.ExternalAddresses) : "";

    private static Finding State(DaemonStatus? daemon, MachineFacts facts) =>
        (daemon is null ? facts.StateProblem : daemon.StateProblem) is { } problem
            ? new(
                "state-folder",
                Health.Problem,
                $"{facts.StateDirectory} cannot be written: {problem}",
                "make room on its disk, or give it to the user that runs the daemon; until then changes are lost at the next start"
            )
            : new("state-folder", Health.Ok, $"{facts.StateDirectory} can be written");

    private static Finding Clock(MachineFacts facts) =>
        facts.IsClockSet switch
        {
            true => new("clock", Health.Ok, "is kept right by the network"),
            false => new(
                "clock",
                Health.Advice,
                "nobody keeps it right",
                "run a time service (systemd-timesyncd, chrony): certificates, schedules and invitations go by it"
            ),
            null => new("clock", Health.Unknown, "it cannot be found out whether it is right"),
        };

    private static Finding Files(MachineFacts facts) =>
        facts.OpenFiles switch
        {
            null => new("open-files", Health.Unknown, "the limit of open files is not known"),
            < EnoughFiles => new(
                "open-files",
                Health.Advice,
                $"{facts.OpenFiles} may be open at once",
                $"raise it to {EnoughFiles} or more for many torrents and peers: 'ulimit -n {EnoughFiles}', or LimitNOFILE in the service"
            ),
            _ => new("open-files", Health.Ok, $"{facts.OpenFiles} may be open at once"),
        };

    private static Finding Udp(MachineFacts facts)
    {
        if (facts.ReceiveRoom is not { } receive || facts.SendRoom is not { } send)
        {
            return new("udp-buffers", Health.Unknown, "their limit is not known on this system");
        }

        var found = $"{ByteSize.Format(receive)} to receive, {ByteSize.Format(send)} to send";
        return receive >= EnoughRoom && send >= EnoughSendRoom
            ? new("udp-buffers", Health.Ok, found)
            : new(
                "udp-buffers",
                Health.Advice,
                found,
                $"for uTP beyond some 100 Mbit/s: sysctl -w net.core.rmem_max={EnoughRoom} net.core.wmem_max={EnoughSendRoom}"
            );
    }

    private static Finding Disk(MachineFacts facts) =>
        facts.FolderProblem is { } problem
            ? new(
                "disk",
                Health.Problem,
                $"{facts.Folder} cannot be written: {problem}",
                "choose another with folders.download, or give it to the user that runs the daemon"
            )
        : facts.WriteRate is not { } rate
            ? new("disk", Health.Unknown, $"the speed of {facts.Folder} could not be measured")
        : rate < SlowDisk
            ? new(
                "disk",
                Health.Advice,
                $"{facts.Folder} takes {Rate.Format((long)rate)}",
                "a download cannot be faster than its disk: set limits.download, or choose another folder"
            )
        : new("disk", Health.Ok, $"{facts.Folder} takes {Rate.Format((long)rate)}");

    private static Finding Space(MachineFacts facts) =>
        facts.Free switch
        {
            null => new("space", Health.Unknown, $"free space at {facts.Folder} is not known"),
            < LittleSpace => new(
                "space",
                Health.Advice,
                $"{ByteSize.Format(facts.Free.Value)} free at {facts.Folder}",
                "downloads wait when fewer than folders.min-free are left"
            ),
            _ => new("space", Health.Ok, $"{ByteSize.Format(facts.Free.Value)} free at {facts.Folder}"),
        };
}
