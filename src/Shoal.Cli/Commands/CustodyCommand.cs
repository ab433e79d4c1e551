using System.CommandLine;
using System.Globalization;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>Who serves, who has copies, and whether they really have them; for publishers.</summary>
internal static class CustodyCommand
{
    public static Command Build(CliHost host)
    {
        var command = new ShoalCommand(
            "custody",
            "See how many bytes members served, who has copies, and challenge them; for publishers"
        )
        {
            Examples =
            [
                new("Bytes by the origin and by members, complete copies", "shoal custody status 'Genomes 2026'"),
                new("Do they really have it?", "shoal custody challenge 'Genomes 2026' --data ~"),
            ],
            Notes =
            [
                "Figures are of members who agreed to give receipts ('shoal join --receipts', 'shoal member receipts'). What the "
                    + "hub keeps of them its operator decides: 'shoal hub --receipts sums' (the default) tells sums only; 'signed' "
                    + "also who has it, so that copies can be challenged.",
            ],
        };
        command.Add(BuildStatus(host));
        command.Add(CustodyChallengeCommand.Build(host));
        command.SetAction(_ =>
        {
            Help.Write(command, host.Error, host.TerminalSize().Width);
            return ExitCode.Usage;
        });
        return command;
    }

    private static ShoalCommand BuildStatus(CliHost host)
    {
        var entry = new Argument<string>("ENTRY") { Description = "Its title or id, as 'shoal catalogue' shows them" };
        var members = Options.Flag("--members", "Also what each member said");
        var json = Options.Flag("--json", "Print one JSON object a line");
        var command = new ShoalCommand("status", "Show what was served by whom, and how many complete copies there are")
        {
            Examples =
            [
                new("The sums", "shoal custody status 'Genomes 2026'"),
                new("Each member, for a script", "shoal custody status 'Genomes 2026' --members --json"),
            ],
            Notes =
            [
                "For the publisher of the entry and for administrators. Where the hub keeps receipts as they were signed, this machine "
                    + "checks all signatures and makes the sums itself: 'verified' says that the hub's are right.",
                "A receipt is its receiver's word. It cannot be of more than twice the content, nor name a sender that is no member; "
                    + "members that help each other to lie can still claim what never was.",
            ],
        };
        command.Add(entry);
        var choice = new MembershipChoice(host, command);
        command.AddGroup("Options", [members, .. choice.All, json]);
        command.SetAction(
            (result, cancel) =>
                choice.AskAsync(
                    result,
                    async (hub, membership) =>
                    {
                        var entries = await CatalogueReading.ListAsync(hub, membership, cancel);
                        var chosen = CatalogueReading.Choose(
                            CatalogueReading.Newest(entries),
                            result.GetRequiredValue(entry)
                        );
                        var figures = await hub.ReadCustodyAsync(chosen.Fields.Id, chosen.Fields.Version, cancel);
                        var isSigned = figures.Kept == RetentionNames.Of(ReceiptRetention.Signed);
                        if (result.GetValue(members) && !isSigned)
                        {
                            throw new UserErrorException(
                                "sums-only",
                                $"the hub keeps {SafeText.Of(figures.Kept)} of receipts: what each member said is not known"
                            );
                        }

                        IReadOnlyList<KnownClaim> claims = isSigned
                            ? await CustodyReading.ListAsync(hub, membership, chosen, cancel)
                            : [];
                        var notes = new ChallengeNotes(membership.Folder, ReceiptContent.Of(chosen.Fields));
                        Show(host, LineOf(chosen, figures, claims, notes), result.GetValue(json));
                        if (result.GetValue(members))
                        {
                            foreach (var claim in claims)
                            {
                                Show(host, claim, notes, result.GetValue(json));
                            }
                        }

                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static CustodyLine LineOf(
        KnownEntry entry,
        CustodyFigures figures,
        IReadOnlyList<KnownClaim> claims,
        ChallengeNotes notes
    )
    {
        var fields = entry.Fields;
        var (proven, failed) = CustodyReading.Count(claims, notes);
        return new CustodyLine(
            fields.Id.ToString(),
            fields.Version,
            fields.Title,
            fields.Size,
            figures.Kept,
            claims.Count > 0 && CustodyReading.AreProvenBy(figures, claims),
            figures.Receivers,
            figures.FromOrigin,
            figures.FromMembers,
            figures.Copies,
            proven,
            failed,
            figures.OnlineComplete,
            figures.OnlineIncomplete
        );
    }

    private static void Show(CliHost host, CustodyLine line, bool json)
    {
        if (json)
        {
            JsonOutput.Write(host.Out, line, CustodyJsonOutput.Default.CustodyLine);
            return;
        }

        host.Out.WriteLine($"{SafeText.Of(line.Title)}  (version {line.Version}, {ByteSize.Format(line.Size)})");
        host.Out.WriteLine(
            $"  receipts of {TorrentText.Count(line.Receivers, "member")}"
                + line.Kept switch
                {
                    "none" => "; the hub takes none at the moment",
                    "sums" => "; the hub keeps sums only",
                    _ when line.Verified => ", all signatures good",
                    _ when line.Receivers > 0 => "; the hub's sums are NOT those of the signed receipts",
                    _ => "",
                }
        );
        var all = line.FromOrigin + line.FromMembers;
        host.Out.WriteLine(
            $"  served by the origin: {ByteSize.Format(line.FromOrigin)} ({Percent(line.FromOrigin, all)}), "
                + $"by members: {ByteSize.Format(line.FromMembers)} ({Percent(line.FromMembers, all)})"
        );
        host.Out.WriteLine(
            $"  complete copies: {line.Copies} claimed"
                + (line.Kept == "signed" ? $", {line.Proven} proven, {line.Failed} failed" : "")
                + $"; online now: {line.OnlineComplete} complete, {line.OnlineIncomplete} on the way"
        );
    }

    private static void Show(CliHost host, KnownClaim one, ChallengeNotes notes, bool json)
    {
        var note = notes.All.GetValueOrDefault(one.Member);
        if (json)
        {
            JsonOutput.Write(
                host.Out,
                new ClaimLine(
                    one.Member.ToString(),
                    one.Fields.IsComplete,
                    one.IsRevoked,
                    one.FromOrigin,
                    one.FromMembers,
                    [.. one.Fields.Senders.Select(share => new SenderObject(share.Sender.ToString(), share.Bytes))],
                    note is null ? null : CustodyReading.NameOf(note.Verdict),
                    note?.At.ToUnixTimeSeconds()
                ),
                CustodyJsonOutput.Default.ClaimLine
            );
            return;
        }

        var state =
            one.IsRevoked ? "shut out"
            : !one.Fields.IsComplete ? "a part"
            : note is null ? "complete"
            : $"complete, {CustodyReading.NameOf(note.Verdict)} {note.At:yyyy-MM-dd}";
        host.Out.WriteLine(
            $"  {one.Member}  {ByteSize.Format(one.FromOrigin)} from the origin, "
                + $"{ByteSize.Format(one.FromMembers)} from members  ({state})"
        );
    }

    private static string Percent(long part, long all) =>
        all == 0 ? "-" : (100.0 * part / all).ToString("F0", CultureInfo.InvariantCulture) + " %";
}
