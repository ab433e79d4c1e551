using System.CommandLine;
using Shoal.Hub;
using Shoal.Members;

namespace Shoal.Cli;

/// <summary>Shows what is published to members, and fetches it.</summary>
internal static class CatalogueCommand
{
    public static Command Build(CliHost host)
    {
        var all = Options.Flag("--all", "Old versions too");
        var json = Options.Flag("--json", "Print one JSON object a line");
        var command = new ShoalCommand(
            "catalogue",
            "List what is published to members: sizes, licences, complete copies"
        )
        {
            Examples =
            [
                new("What there is", "shoal catalogue"),
                new("Fetch one of it", "shoal catalogue get 'Genomes 2026' -o ~/data"),
                new("For a script", "shoal catalogue --all --json"),
            ],
            Notes = ["Every entry was signed by its publisher, and is shown only if that publisher is one."],
        };
        var choice = new MembershipChoice(host, command);
        command.AddGroup("Options", [all, .. choice.All, json]);
        command.Add(BuildGet(host));
        command.Add(BuildWithdraw(host));
        command.SetAction(
            (result, cancel) =>
                choice.AskAsync(
                    result,
                    async (hub, membership) =>
                    {
                        var entries = await ListAsync(host, hub, membership, cancel);
                        entries = result.GetValue(all) ? entries : CatalogueReading.Newest(entries);
                        foreach (var one in entries)
                        {
                            CatalogueView.Show(host, one, result.GetValue(json));
                        }

                        if (entries.Count == 0 && !result.GetValue(json))
                        {
                            host.Out.WriteLine("Nothing is published yet.");
                        }

                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static Task<IReadOnlyList<KnownEntry>> ListAsync(
        CliHost host,
        HubClient hub,
        LocalMembership membership,
        CancellationToken cancel
    ) =>
        CatalogueReading.ListOrKeptAsync(
            hub,
            membership,
            why => host.Error.WriteLine($"{SafeText.Of(why)}; going on with what is known of before"),
            cancel
        );

    private static ShoalCommand BuildGet(CliHost host)
    {
        var entry = new Argument<string>("ENTRY") { Description = "Its title or id, as 'shoal catalogue' shows them" };
        var json = Options.Flag("--json", "Print one JSON object a line");
        var fetch = new MemberGetOptions(host);
        var command = new ShoalCommand("get", "Fetch something published; goes on where an earlier get stopped")
        {
            Examples =
            [
                new("Into ~/data", "shoal catalogue get 'Genomes 2026' -o ~/data"),
                new("And help to distribute it", "shoal catalogue get 'Genomes 2026' -o ~/data --seed"),
                new("Let the running daemon do both", "shoal catalogue get 'Genomes 2026' -o ~/data --in-daemon"),
            ],
        };
        command.Add(entry);
        var choice = new MembershipChoice(host, command, NetworkUse.Members);
        command.AddGroup("Options", [.. fetch.All, .. choice.All, json]);
        command.SetAction(
            async (result, cancel) =>
            {
                using var membership = choice.LoadGood(result);
                var entries = await HubCalls.DoAsync(async () =>
                {
                    using var hub = HubClient.Of(membership, choice.Connect(result), host.Time);
                    return await ListAsync(host, hub, membership, cancel);
                });
                var wanted = result.GetRequiredValue(entry);
                var chosen = HubCalls.Do(() => CatalogueReading.Choose(CatalogueReading.Newest(entries), wanted));
                return await fetch.FetchAsync(
                    result,
                    choice.Network,
                    membership,
                    chosen,
                    result.GetValue(json),
                    cancel
                );
            }
        );
        return command;
    }

    private static ShoalCommand BuildWithdraw(CliHost host)
    {
        var entry = new Argument<string>("ENTRY") { Description = "Its title or id, as 'shoal catalogue' shows them" };
        var command = new ShoalCommand(
            "withdraw",
            "Take something off the catalogue, with all its versions; for its publisher and administrators"
        )
        {
            Examples = [new("What was published by mistake", "shoal catalogue withdraw 'Genomes 2026'")],
            Notes = ["What members have fetched stays with them, and the hub stops telling them of each other."],
        };
        command.Add(entry);
        var choice = new MembershipChoice(host, command);
        command.AddGroup("Options", choice.All);
        command.SetAction(
            (result, cancel) =>
                choice.AskAsync(
                    result,
                    async (hub, membership) =>
                    {
                        var entries = await CatalogueReading.ListAsync(hub, membership, cancel);
                        var wanted = result.GetRequiredValue(entry);
                        var chosen = CatalogueReading.Choose(CatalogueReading.Newest(entries), wanted);
                        foreach (var one in entries.Where(one => one.Fields.Id == chosen.Fields.Id))
                        {
                            await hub.WithdrawAsync(one.Fields.Id, one.Fields.Version, cancel);
                        }

                        host.Out.WriteLine($"{SafeText.Of(chosen.Fields.Title)} taken off the catalogue");
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }
}
