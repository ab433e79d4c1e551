using System.CommandLine;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>A member's own side of receipts: whether it gives any, and precisely what it has said.</summary>
internal static class MemberReceiptsCommand
{
    public static ShoalCommand Build(CliHost host)
    {
        var on = Options.Flag("--on", "From now on give receipts of what you receive, and answer challenges");
        var off = Options.Flag("--off", "Give none any more, and have the hub delete what it has of you");
        var json = Options.Flag("--json", "Print one JSON object a line");
        var command = new ShoalCommand(
            "receipts",
            "Show what you told about what you received; agree to it, or stop it"
        )
        {
            Examples =
            [
                new("What was told, to the byte", "shoal member receipts"),
                new("Agree", "shoal member receipts --on"),
                new("Take it back", "shoal member receipts --off"),
            ],
            Notes =
            [
                "Nothing is told unless you agree. If you do, this machine signs for each thing that you fetch how many bytes "
                    + "came from which member, and whether you have all of it, and sends that to the hub every ten minutes while "
                    + "there is something new, when it is complete, and at the end.",
                "What becomes of it the hub's operator decides ('shoal hub --receipts'): sums over all members, without your "
                    + "name, which is the default; or receipts as you sign them, with your member id, for the publisher and for "
                    + "administrators. You agree to what holds when you agree: a hub that keeps more one day gets nothing until "
                    + "you have agreed again.",
                "Where receipts are kept as signed, the publisher may also ask whether you still have it, while 'join --seed', "
                    + "'catalogue get --seed' or the daemon runs: this machine then reads up to 1 MiB and answers with a hash, at "
                    + "most twelve times an hour.",
                "It holds for the daemon of the same state folder too, for whatever it has of the publication.",
            ],
        };
        var choice = new MembershipChoice(host, command);
        command.AddGroup("Options", [on, off, .. choice.All, json]);
        command.SetAction(
            async (result, cancel) =>
            {
                if (result.GetValue(on) && result.GetValue(off))
                {
                    throw UserErrorException.Usage("--on and --off contradict each other");
                }

                using var membership = choice.Load(result);
                var book = new ReceiptBook(membership.Folder);
                await HubCalls.DoAsync(async () =>
                {
                    using var hub = HubClient.Of(membership, choice.Connect(result), host.Time);
                    if (result.GetValue(on))
                    {
                        await ReceiptConsent.AgreeAsync(host, membership, hub, cancel);
                    }
                    else if (result.GetValue(off))
                    {
                        await ReceiptAgreement.WithdrawAsync(book, hub, cancel);
                    }

                    var own = await ReceiptAgreement.AskAsync(hub, cancel);
                    Show(host, membership, book, own, result.GetValue(json));
                });
                return ExitCode.Done;
            }
        );
        return command;
    }

    private static void Show(CliHost host, LocalMembership membership, ReceiptBook book, OwnReceipts? own, bool json)
    {
        var receipts = book.ReadAll(new MembershipVerifier(membership.Authority));
        var answers = book.ReadAnswers();
        var agreed = book.ReadAgreed() is { } kept ? RetentionNames.Of(kept) : null;
        if (json)
        {
            JsonOutput.Write(
                host.Out,
                new ReceiptsLine(
                    membership.Publication.ToString(),
                    membership.Grant.Member.ToString(),
                    agreed,
                    own?.Kept
                ),
                CustodyJsonOutput.Default.ReceiptsLine
            );
            foreach (var receipt in receipts)
            {
                JsonOutput.Write(host.Out, LineOf(receipt.Fields), CustodyJsonOutput.Default.ReceiptLine);
            }

            foreach (var answer in answers)
            {
                JsonOutput.Write(host.Out, LineOf(answer), CustodyJsonOutput.Default.AnsweredLine);
            }

            foreach (var one in own?.Receipts ?? [])
            {
                JsonOutput.Write(host.Out, LineOf(one), CustodyJsonOutput.Default.KeptLine);
            }

            return;
        }

        host.Out.WriteLine(
            agreed is null
                ? $"You give no receipts at {membership.Hub}."
                : $"You give receipts at {membership.Hub} as {membership.Grant.Member}; you agreed that it keeps {agreed}."
        );
        host.Out.WriteLine(receipts.Count + answers.Count == 0 ? "Nothing was told." : "What was told:");
        foreach (var fields in receipts.Select(receipt => receipt.Fields))
        {
            host.Out.WriteLine(
                $"  {fields.Content.Entry} version {fields.Content.Version}: {(fields.IsComplete ? "all of it" : "a part")}, "
                    + $"{fields.Total} bytes from {TorrentText.Count(fields.Senders.Count, "member")}, "
                    + $"{TimeOf(fields.Since)} to {TimeOf(fields.Until)}"
            );
            foreach (var share in fields.Senders)
            {
                host.Out.WriteLine($"    {share.Sender}  {share.Bytes}");
            }
        }

        foreach (var answer in answers)
        {
            host.Out.WriteLine(
                $"  {TimeOf(answer.At)}: {answer.Challenger} asked for {TorrentText.Count(answer.Blocks, "block")} of "
                    + $"{answer.Entry} version {answer.Version}; "
                    + (answer.HadThem ? "their hash was sent" : "you said that you have not got all of it")
            );
        }

        ShowKept(host, own);
    }

    private static void ShowKept(CliHost host, OwnReceipts? own)
    {
        if (own is null)
        {
            host.Out.WriteLine("The hub does not answer, so what it has of you is not known.");
            return;
        }

        host.Out.WriteLine(
            $"The hub keeps {SafeText.Of(own.Kept)}; of you it has "
                + (own.Receipts.Count == 0 ? "nothing." : $"{TorrentText.Count(own.Receipts.Count, "receipt")}:")
        );
        foreach (var one in own.Receipts)
        {
            host.Out.WriteLine(
                $"  {SafeText.Of(one.Entry)} version {one.Version}: {(one.Complete ? "all of it" : "a part")}, "
                    + $"{one.FromOrigin} bytes from the publisher, {one.FromMembers} from others, "
                    + (one.Signed ? "as you signed it" : "without your name")
            );
        }
    }

    private static KeptLine LineOf(OwnReceipt one) =>
        new(one.Entry, one.Version, one.FromOrigin, one.FromMembers, one.Complete, one.Signed);

    private static ReceiptLine LineOf(ReceiptFields fields) =>
        new(
            fields.Content.Entry.ToString(),
            fields.Content.Version,
            fields.Number,
            fields.Since.ToUnixTimeSeconds(),
            fields.Until.ToUnixTimeSeconds(),
            fields.IsComplete,
            fields.Total,
            [.. fields.Senders.Select(share => new SenderObject(share.Sender.ToString(), share.Bytes))]
        );

    private static AnsweredLine LineOf(AnsweredChallenge answer) =>
        new(
            answer.Entry.ToString(),
            answer.Version,
            answer.At.ToUnixTimeSeconds(),
            answer.Challenger.ToString(),
            answer.Blocks,
            answer.HadThem
        );

    private static string TimeOf(DateTimeOffset time) => $"{time:yyyy-MM-dd HH:mm}Z";
}
