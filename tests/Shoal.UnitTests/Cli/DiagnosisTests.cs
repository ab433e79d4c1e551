using Shoal.Api;
using Shoal.Cli;

namespace Shoal.UnitTests;

public sealed class DiagnosisTests
{
    private static readonly MachineFacts Good = new()
    {
        StateDirectory = "/state",
        Folder = "/got",
        OpenFiles = 65_536,
        IsClockSet = true,
        ReceiveRoom = Diagnosis.EnoughRoom,
        SendRoom = Diagnosis.EnoughSendRoom,
        WriteRate = 500e6,
        Free = 1L << 40,
        Daemon = new DaemonStatus
        {
            Version = "1",
            Port = 6881,
            Reachable = true,
        },
    };

    [Fact]
    public void Where_all_is_well_nothing_is_advised() =>
        Assert.All(Diagnosis.Of(Good), finding => Assert.Equal((Health.Ok, null), (finding.Health, finding.Advice)));

    [Fact]
    public void What_is_wrong_is_said_with_what_to_do()
    {
        Check(Good with { OpenFiles = 1024 }, "open-files", Health.Advice, "ulimit -n");
        Check(Good with { IsClockSet = false }, "clock", Health.Advice, "timesyncd");
        Check(Good with { ReceiveRoom = 212_992 }, "udp-buffers", Health.Advice, "net.core.rmem_max");
        Check(Good with { WriteRate = 5e6 }, "disk", Health.Advice, "limits.download");
        Check(Good with { FolderProblem = "denied" }, "disk", Health.Problem, "folders.download");
        Check(Good with { Free = 5_000_000 }, "space", Health.Advice, "folders.min-free");
        Check(Good with { Daemon = Good.Daemon! with { Reachable = false } }, "port", Health.Advice, "6881");
        Check(
            Good with
            {
                Daemon = Good.Daemon! with { StateProblem = "full" },
            },
            "state-folder",
            Health.Problem,
            "room"
        );
        Check(Good with { Daemon = null, StateProblem = "denied" }, "state-folder", Health.Problem, "user");
        Check(Good with { Daemon = null }, "daemon", Health.Unknown, "shoal daemon");
    }

    [Fact]
    public void What_cannot_be_found_out_is_no_problem()
    {
        var nothing = new MachineFacts { StateDirectory = "/state", Folder = "/got" };
        Assert.DoesNotContain(Diagnosis.Of(nothing), finding => finding.Health is Health.Problem or Health.Advice);
    }

    private static void Check(MachineFacts facts, string check, Health health, string advice)
    {
        var finding = Assert.Single(Diagnosis.Of(facts), finding => finding.Check == check);
        Assert.Equal(health, finding.Health);
        Assert.Contains(advice, finding.Advice, StringComparison.Ordinal);
    }
}
