using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Shoal.Api;

namespace Shoal.Cli;

/// <summary>Looks at this machine and the daemon, and says what to do.</summary>
internal static class DoctorCommand
{
    public static Command Build(CliHost host)
    {
        var command = new ShoalCommand("doctor", "Find out what keeps Shoal from working well here, and what to do")
        {
            Examples = [new("Everything", "shoal doctor"), new("For a program", "shoal doctor --json")],
            Notes =
            [
                "It looks at the daemon, its port, the state folder, the clock, the limit of open files, the buffers of UDP, and "
                    + "the disk (64 MiB are written and taken away again). The exit code is 1 where something does not work.",
            ],
        };
        var daemon = new DaemonAccess(host, command);
        command.SetAction(
            async (result, cancel) =>
            {
                var (status, problem) = await AskAsync(daemon, result, cancel);
                var folder = status is { } known && daemon.IsLocal(result) ? known.DownloadDirectory : DefaultFolder();
                var facts = MachineProbe.Measure(daemon.StateDirectory(result), folder) with
                {
                    Daemon = status,
                    DaemonProblem = problem,
                };
                var findings = Diagnosis.Of(facts);
                Show(findings, new DaemonOutput(host, daemon.IsJson(result)), host);
                return findings.Any(finding => finding.Health == Health.Problem) ? ExitCode.Failed : ExitCode.Done;
            }
        );
        return command;
    }

    private static async Task<(DaemonStatus? Status, string? Problem)> AskAsync(
        DaemonAccess daemon,
        ParseResult result,
        CancellationToken cancel
    )
    {
        DaemonStatus? status = null;
        try
        {
            await daemon.UseAsync(
                result,
                async (client, _) =>
                {
                    status = await client.StatusAsync(cancel);
                    return ExitCode.Done;
                }
            );
            return (status, null);
        }
        catch (UserErrorException error)
        {
            return (null, error.Message);
        }
    }

    private static string DefaultFolder()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return Path.Combine(home.Length > 0 ? home : Path.GetTempPath(), "Downloads");
    }

    private static void Show(IReadOnlyList<Finding> findings, DaemonOutput output, CliHost host)
    {
        foreach (var finding in findings)
        {
            var health = JsonNamingPolicy.KebabCaseLower.ConvertName(finding.Health.ToString());
            if (output.IsJson)
            {
                var line = new JsonObject
                {
                    ["event"] = "check",
                    ["check"] = finding.Check,
                    ["health"] = health,
                    ["found"] = finding.Found,
                    ["advice"] = finding.Advice,
                };
                JsonOutput.WriteText(host.Out, line.ToJsonString());
                continue;
            }

            output.Line($"{health, -8} {finding.Check}: {finding.Found}");
            if (finding.Advice is { } advice)
            {
                output.Line($"         -> {advice}");
            }
        }
    }
}
