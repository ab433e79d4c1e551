using System.CommandLine;
using System.Security.Cryptography;
using Shoal.Engine;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>Asks members that claim a copy to prove it, and holds their answers against the copy here.</summary>
internal sealed class CustodyChallengeCommand
{
    private const int DefaultBlocks = 32;
    private const int DefaultCount = 10;

    /// <summary>Between requests: the hub allows a member 240 a minute for everything.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan DefaultWait = TimeSpan.FromMinutes(2);

    private readonly CliHost _host;
    private readonly MembershipChoice _choice;

    private readonly Argument<string> _entry = new("ENTRY")
    {
        Description = "Its title or id, as 'shoal catalogue' shows them",
    };

    private readonly Option<string?> _data = Options.Text(
        "--data",
        "DIR",
        "The folder that holds your copy: a torrent named x lies at DIR/x (default: this one)"
    );

    private readonly Option<List<MemberId>> _members = Options.Values<MemberId>(
        "--member",
        "ID",
        "Ask this member (default: some of those who claim a copy)",
        "a member's id, as 'shoal custody status --members' shows them",
        static (string text, out MemberId value) => MemberId.TryParse(text, out value)
    );

    private readonly Option<int?> _count = Options.Value<int>(
        "--count",
        "N",
        $"Ask so many, chosen at random (default {DefaultCount})",
        "a number from 1 to 1000",
        static (string text, out int value) => int.TryParse(text, out value) && value is >= 1 and <= 1000
    );

    private readonly Option<int?> _blocks = Options.Value<int>(
        "--blocks",
        "N",
        $"Blocks of 16 KiB to ask each for, 1 to {CustodyLimits.MaxBlocks} (default {DefaultBlocks})",
        $"a number from 1 to {CustodyLimits.MaxBlocks}",
        static (string text, out int value) =>
            int.TryParse(text, out value) && value is >= 1 and <= CustodyLimits.MaxBlocks
    );

    private readonly Option<TimeSpan?> _wait = Options.Duration(
        "--wait",
        "How long to wait for answers, up to 1h (default 2m)"
    );

    private readonly Option<bool> _json = Options.Flag("--json", "Print one JSON object a line");

    private CustodyChallengeCommand(CliHost host, ShoalCommand command)
    {
        _host = host;
        command.Add(_entry);
        _choice = new MembershipChoice(host, command);
        command.AddGroup("Options", [_data, _members, _count, _blocks, _wait, .. _choice.All, _json]);
        command.SetAction(RunAsync);
    }

    public static ShoalCommand Build(CliHost host)
    {
        var command = new ShoalCommand("challenge", "Ask members to prove that they still have their copy")
        {
            Examples =
            [
                new("Some of them, against the copy in ~/genomes", "shoal custody challenge genomes --data ~"),
                new(
                    "One, thoroughly",
                    "shoal custody challenge genomes --data ~ --member 2cvezdqnzxnyfpkkflj7xtlhq4 --blocks 64"
                ),
            ],
            Notes =
            [
                "Each is sent a salt of its own, which chooses the blocks, and answers with one hash over the salt, its id and the "
                    + "blocks. The answer is compared here, with a copy whose pieces are checked first; the hub only passes it "
                    + "on. Who has lost a tenth of it passes 32 blocks with 3 %.",
                "A right answer proves that the member could read those blocks within the time shown, not for how long it has had "
                    + "them or will. Members that are offline do not answer, which says nothing. A member answers twelve times "
                    + "an hour. Exit 3: an answer was wrong, or a copy is not there any more.",
            ],
        };
        _ = new CustodyChallengeCommand(host, command);
        return command;
    }

    private Task<int> RunAsync(ParseResult result, CancellationToken cancel)
    {
        var wait = result.GetValue(_wait) ?? DefaultWait;
        if (wait < TimeSpan.FromSeconds(1) || wait > CustodyLimits.MaxLifetime)
        {
            throw UserErrorException.Usage("--wait: from 1s to 1h");
        }

        return _choice.AskAsync(
            result,
            async (hub, membership) =>
            {
                var entries = await CatalogueReading.ListAsync(hub, membership, cancel);
                var chosen = CatalogueReading.Choose(CatalogueReading.Newest(entries), result.GetRequiredValue(_entry));
                // First whether there is anybody to ask, then whether there is anything to compare with.
                var claims = await CustodyReading.ListAsync(hub, membership, chosen, cancel);
                var members = Choose(result, claims);
                var metainfo = (await CatalogueReading.ReadTorrentAsync(hub, chosen, cancel)).Metainfo!;
                var folder = TorrentFile.DataFolder(result.GetValue(_data) ?? ".");
                var asked = new List<Asked>();
                foreach (var member in members)
                {
                    var challenge = Make(result, membership, chosen, member, wait);
                    var expected = Expect(metainfo, folder, challenge, cancel);
                    if (await TryAskAsync(result, hub, challenge, cancel))
                    {
                        asked.Add(new Asked(challenge, expected));
                    }
                }

                var notes = new ChallengeNotes(membership.Folder, ReceiptContent.Of(chosen.Fields));
                return await CollectAsync(result, hub, membership, asked, notes, wait, cancel);
            }
        );
    }

    private List<MemberId> Choose(ParseResult result, IReadOnlyList<KnownClaim> claims)
    {
        var copies = claims.Where(one => one.IsCopy).Select(one => one.Member).ToList();
        if (result.GetValue(_members) is { Count: > 0 } named)
        {
            var unknown = named.Except(copies).ToList();
            return unknown.Count == 0
                ? named
                : throw new UserErrorException("no-such-copy", $"{unknown[0]} does not claim to have all of it");
        }

        if (copies.Count == 0)
        {
            throw new UserErrorException(
                "no-such-copy",
                "no member claims to have all of it; members agree to say so with 'shoal join --receipts'"
            );
        }

        var all = copies.ToArray();
        RandomNumberGenerator.Shuffle(all.AsSpan());
        return [.. all.Take(result.GetValue(_count) ?? DefaultCount)];
    }

    private CustodyChallenge Make(
        ParseResult result,
        LocalMembership membership,
        KnownEntry entry,
        MemberId member,
        TimeSpan wait
    )
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(_host.Time.GetUtcNow().ToUnixTimeSeconds());
        var fields = new ChallengeFields
        {
            Content = ReceiptContent.Of(entry.Fields),
            Member = member,
            Salt = RandomNumberGenerator.GetBytes(CustodyLimits.SaltSize),
            Blocks = result.GetValue(_blocks) ?? DefaultBlocks,
            Made = now,
            Expires = now + TimeSpan.FromSeconds(Math.Ceiling(wait.TotalSeconds)),
        };
        return CustodyChallenge.TryRead(
            CustodyChallenge.Sign(fields, membership.Identity, membership.Certificate.Span),
            new MembershipVerifier(membership.Authority),
            membership.Revocations,
            out var challenge,
            out _
        )
            ? challenge
            : throw new UserErrorException(
                "role-needed",
                "only the publisher of an entry and administrators can challenge its copies"
            );
    }

    /// <returns>False: the hub did not take it, which was shown.</returns>
    private async Task<bool> TryAskAsync(
        ParseResult result,
        HubClient hub,
        CustodyChallenge challenge,
        CancellationToken cancel
    )
    {
        try
        {
            await hub.ChallengeAsync(challenge.Encoded.ToArray(), cancel);
            return true;
        }
        catch (HubException refused) when (refused.Code is "too-many-requests" or "no-such-copy")
        {
            Show(result, challenge.Fields.Member, "not-asked", challenge.Fields.Blocks, null);
            return false;
        }
    }

    /// <exception cref="UserErrorException">The copy here is not good: nothing can be held against it.</exception>
    private static byte[] Expect(
        Metainfo metainfo,
        string folder,
        CustodyChallenge challenge,
        CancellationToken cancel
    ) =>
        ContentProof.IsProven(metainfo, folder, challenge, cancel)
        && ContentProof.Answer(metainfo, folder, challenge, cancel) is { } expected
            ? expected
            : throw new UserErrorException(
                "own-copy-bad",
                $"your own copy at {Path.Combine(folder, metainfo.Name)} is missing or not what was published, so nothing can be "
                    + "compared with it; --data names the folder that holds it",
                ExitCode.Incomplete
            );

    private async Task<int> CollectAsync(
        ParseResult result,
        HubClient hub,
        LocalMembership membership,
        List<Asked> asked,
        ChallengeNotes notes,
        TimeSpan wait,
        CancellationToken cancel
    )
    {
        var verifier = new MembershipVerifier(membership.Authority);
        var began = _host.Time.GetTimestamp();
        var exit = ExitCode.Done;
        var open = new Queue<Asked>(asked);
        while (open.Count > 0 && _host.Time.GetElapsedTime(began) < wait)
        {
            await Task.Delay(Pace, _host.Time, cancel);
            var one = open.Dequeue();
            var fields = one.Challenge.Fields;
            var state = await hub.ReadChallengeAsync(one.Challenge.Id, cancel);
            if (state.Answer is not { Length: > 0 } answer)
            {
                open.Enqueue(one);
                continue;
            }

            var verdict = CustodyAnswer.Judge(answer, one.Challenge, one.Expected, verifier, membership.Revocations);
            Show(result, fields.Member, CustodyReading.NameOf(verdict), fields.Blocks, state.Milliseconds);
            if (verdict != CustodyVerdict.Invalid)
            {
                notes.Add(new ChallengeNote(fields.Member, _host.Time.GetUtcNow(), verdict, fields.Blocks));
            }

            exit = verdict is CustodyVerdict.Wrong or CustodyVerdict.Missing ? ExitCode.Incomplete : exit;
        }

        foreach (var one in open)
        {
            Show(result, one.Challenge.Fields.Member, "no-answer", one.Challenge.Fields.Blocks, null);
        }

        return exit;
    }

    private void Show(ParseResult result, MemberId member, string verdict, int blocks, long? milliseconds)
    {
        if (result.GetValue(_json))
        {
            JsonOutput.Write(
                _host.Out,
                new ChallengeLine(member.ToString(), verdict, blocks, milliseconds),
                CustodyJsonOutput.Default.ChallengeLine
            );
            return;
        }

        var text = verdict switch
        {
            "proven" => $"proven: it read {TorrentText.Count(blocks, "block")} in {milliseconds} ms",
            "wrong" => "wrong: what it has is not what was published",
            "missing" => "missing: it says that it has not got all of it",
            "invalid" => "invalid: the hub brought an answer that is not this member's",
            "no-answer" => "no answer: it is offline, or was asked too often",
            _ => "not asked: it was asked often enough for now, or claims no copy any more",
        };
        _host.Out.WriteLine($"{member}  {text}");
        _host.Out.Flush();
    }

    private sealed record Asked(CustodyChallenge Challenge, byte[] Expected);
}
