using Shoal.Files;
using Shoal.Hub;
using Shoal.Membership;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class ReceiptBookTests : IDisposable
{
    private readonly CustodyFixture _world = new();
    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        _world.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Without_a_word_of_its_own_a_member_gives_none()
    {
        var book = new ReceiptBook(_folder.Path);
        Assert.Null(book.ReadAgreed());
        Assert.Empty(book.ReadAll(_world.Authority.Verifier));
        Assert.Empty(book.ReadAnswers());
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
        book.Agree(ReceiptRetention.Sums);
        Assert.Equal(ReceiptRetention.Sums, book.ReadAgreed());
        book.Agree(ReceiptRetention.Signed);
        // Another process sees it at once.
        Assert.Equal(ReceiptRetention.Signed, new ReceiptBook(_folder.Path).ReadAgreed());
        foreach (var nonsense in new[] { "", "none\n", "all\n" })
        {
            File.WriteAllText(Path.Combine(_folder.Path, "receipts", "agreed"), nonsense);
            Assert.Null(book.ReadAgreed());
        }
    }

    [Fact]
    public void What_was_said_is_there_again_and_for_its_owner_only_until_it_is_taken_back()
    {
        var book = new ReceiptBook(_folder.Path);
        var receipt = _world.Sign(_world.Receipt());
        book.Agree(ReceiptRetention.Signed);
        book.Write(_world.Content, receipt);
        for (var i = 0; i < 205; i++)
        {
            book.Note(
                new AnsweredChallenge(
                    Authority.Now.AddSeconds(i),
                    _world.Content.Entry,
                    3,
                    _world.Publisher.Member,
                    8,
                    i % 2 == 0
                )
            );
        }

        var read = book.Read(_world.Content.Entry, _world.Content.Version, _world.Authority.Verifier);
        Assert.Equal(receipt, read!.Encoded.ToArray());
        Assert.Single(book.ReadAll(_world.Authority.Verifier));
        var answers = book.ReadAnswers();
        Assert.Equal(200, answers.Count);
        Assert.Equal(
            new AnsweredChallenge(
                Authority.Now.AddSeconds(204),
                _world.Content.Entry,
                3,
                _world.Publisher.Member,
                8,
                true
            ),
            answers[^1]
        );
        var files = Directory.GetFiles(Path.Combine(_folder.Path, "receipts"));
        Assert.Equal(3, files.Length);
        if (!OperatingSystem.IsWindows())
        {
            foreach (var file in files)
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }
        }

        book.Withdraw();
        Assert.Null(book.ReadAgreed());
        Assert.Empty(book.ReadAll(_world.Authority.Verifier));
        // That somebody asked stays known.
        Assert.Equal(200, book.ReadAnswers().Count);
    }

    [Fact]
    public void What_the_hub_has_is_not_said_again_at_the_next_start()
    {
        var fields = _world.Receipt();
        var entry = fields.Content.Entry.ToString();
        var same = new OwnReceipt(entry, 3, 300_000, 700_000, Complete: true, Signed: false);
        Assert.True(new OwnReceipts("sums", [same]).Has(fields));
        Assert.True(new OwnReceipts("signed", [same with { Signed = true }]).Has(fields));
        // It keeps more by now, and has not got it.
        Assert.False(new OwnReceipts("signed", [same]).Has(fields));
        Assert.False(new OwnReceipts("sums", []).Has(fields));
        OwnReceipt[] others =
        [
            same with
            {
                Entry = new EntryId(78).ToString(),
            },
            same with
            {
                Version = 4,
            },
            same with
            {
                FromMembers = 699_999,
            },
            same with
            {
                Complete = false,
            },
        ];
        Assert.False(new OwnReceipts("sums", others).Has(fields));
    }

    [Fact]
    public void Files_that_somebody_changed_are_no_word_of_ours()
    {
        var book = new ReceiptBook(_folder.Path);
        var receipt = _world.Sign(_world.Receipt());
        receipt[^1] ^= 1;
        book.Write(_world.Content, receipt);
        Assert.Null(book.Read(_world.Content.Entry, _world.Content.Version, _world.Authority.Verifier));
        var answers = Path.Combine(_folder.Path, "receipts", "answers");
        PrivateFiles.Write(answers, "nonsense\n1 2 3 4 5 6\n99999999999999999 x 1 y 2 1\n\n"u8);
        Assert.Empty(book.ReadAnswers());
        PrivateFiles.Write(answers, new byte[100_000]);
        Assert.Throws<LocalMembershipException>(book.ReadAnswers);
    }

    [Fact]
    public void The_last_result_of_each_member_is_noted_and_nonsense_is_left_out()
    {
        var notes = new ChallengeNotes(_folder.Path, _world.Content);
        Assert.Empty(notes.All);
        var note = new ChallengeNote(_world.Receiver.Member, Authority.Now, CustodyVerdict.Wrong, 8);
        notes.Add(note with { Verdict = CustodyVerdict.Proven });
        notes.Add(note);
        notes.Add(note with { Member = _world.Senders[0], Verdict = CustodyVerdict.Missing });
        var again = new ChallengeNotes(_folder.Path, _world.Content);
        Assert.Equal(2, again.All.Count);
        Assert.Equal(note, again.All[note.Member]);
        Assert.Empty(new ChallengeNotes(_folder.Path, _world.Content with { Version = 4 }).All);
        var file = Directory.GetFiles(Path.Combine(_folder.Path, "custody")).Single();
        File.AppendAllText(file, $"\nnonsense\n{_world.Senders[1]} 1 3 8\n{_world.Senders[1]} 1 -1 8\n");
        Assert.Equal(2, new ChallengeNotes(_folder.Path, _world.Content).All.Count);
    }
}
