using System.Globalization;
using System.Text;
using Shoal.Files;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>A challenge that was answered.</summary>
/// <param name="At">When.</param>
/// <param name="Challenger">Who asked.</param>
/// <param name="Blocks">How many were read.</param>
/// <param name="HadThem">They were all there.</param>
public sealed record AnsweredChallenge(
    DateTimeOffset At,
    EntryId Entry,
    long Version,
    MemberId Challenger,
    int Blocks,
    bool HadThem
);

/// <summary>
/// What a member has agreed to and said, in the folder <c>receipts</c> of its membership: whether it gives receipts at all, the last
/// one of each content as it was signed, and the challenges it answered. One caller at a time; several processes may read.
/// </summary>
public sealed class ReceiptBook
{
    private const string AgreedFile = "agreed";
    private const string AnswersFile = "answers";
    private const string Ending = ".receipt";
    private const int MaxAgreedLength = 64;
    private const int AnswersKept = 200;
    private const int MaxAnswersLength = AnswersKept * 200;

    private readonly string _folder;

    /// <param name="membership">The folder of the membership.</param>
    public ReceiptBook(string membership) => _folder = Path.Combine(membership, "receipts");

    /// <summary>
    /// What the member agreed to have kept of its receipts; null: it gives none, as without a word of its own. Asked anew each time: another
    /// process may have taken it back.
    /// </summary>
    /// <exception cref="LocalMembershipException">It cannot be read.</exception>
    public ReceiptRetention? ReadAgreed() =>
        Guarded<ReceiptRetention?>(() =>
        {
            var file = Path.Combine(_folder, AgreedFile);
            return
                File.Exists(file)
                && RetentionNames.TryParse(
                    Encoding.ASCII.GetString(PrivateFiles.Read(file, MaxAgreedLength)).Trim(),
                    out var kept
                )
                && kept != ReceiptRetention.None
                ? kept
                : null;
        });

    /// <exception cref="LocalMembershipException">It cannot be written.</exception>
    public void Agree(ReceiptRetention kept) =>
        Guarded(() => Write(AgreedFile, Encoding.ASCII.GetBytes(RetentionNames.Of(kept) + "\n")));

    /// <summary>From now on none; what was said is deleted here.</summary>
    /// <exception cref="LocalMembershipException">It cannot be written.</exception>
    public void Withdraw() =>
        Guarded(() =>
        {
            File.Delete(Path.Combine(_folder, AgreedFile));
            foreach (var file in Files())
            {
                File.Delete(file);
            }

            return true;
        });

    /// <summary>The last receipt of one content, whether it arrived or not; null: there is none that can be read.</summary>
    /// <exception cref="LocalMembershipException">It cannot be read.</exception>
    public TransferReceipt? Read(EntryId entry, long version, MembershipVerifier verifier) =>
        Guarded(() => Read(FileOf(entry, version), verifier));

    /// <summary>The last receipts of all contents.</summary>
    /// <exception cref="LocalMembershipException">They cannot be read.</exception>
    public IReadOnlyList<TransferReceipt> ReadAll(MembershipVerifier verifier) =>
        Guarded(() => Files().Select(file => Read(file, verifier)).OfType<TransferReceipt>().ToList());

    /// <summary>Remembers a receipt before it is given: no number is used for two.</summary>
    /// <exception cref="LocalMembershipException">It cannot be written.</exception>
    public void Write(ReceiptContent content, ReadOnlyMemory<byte> receipt) =>
        Guarded(() => Write(Path.GetFileName(FileOf(content.Entry, content.Version)), receipt.Span));

    /// <summary>Remembers that a challenge was answered.</summary>
    /// <exception cref="LocalMembershipException">It cannot be written.</exception>
    public void Note(AnsweredChallenge answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        var line = string.Create(
            CultureInfo.InvariantCulture,
            $"{answer.At.ToUnixTimeSeconds()} {answer.Entry} {answer.Version} {answer.Challenger} {answer.Blocks} {(answer.HadThem ? 1 : 0)}"
        );
        Guarded(() =>
            Write(
                AnswersFile,
                Encoding.ASCII.GetBytes(
                    string.Concat(Lines().TakeLast(AnswersKept - 1).Append(line).Select(one => one + "\n"))
                )
            )
        );
    }

    /// <summary>The challenges answered last, the oldest first.</summary>
    /// <exception cref="LocalMembershipException">They cannot be read.</exception>
    public IReadOnlyList<AnsweredChallenge> ReadAnswers() =>
        Guarded(() => Lines().Select(ReadAnswer).OfType<AnsweredChallenge>().ToList());

    private static AnsweredChallenge? ReadAnswer(string line) =>
        line.Split(' ') is [var time, var entry, var version, var challenger, var blocks, var had]
        && long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
        && at <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
        && EntryId.TryParse(entry, out var id)
        && long.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && MemberId.TryParse(challenger, out var who)
        && int.TryParse(blocks, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? new AnsweredChallenge(DateTimeOffset.FromUnixTimeSeconds(at), id, number, who, count, had == "1")
            : null;

    private string[] Lines()
    {
        var file = Path.Combine(_folder, AnswersFile);
        return File.Exists(file)
            ? Encoding
                .ASCII.GetString(PrivateFiles.Read(file, MaxAnswersLength))
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            : [];
    }

    private IEnumerable<string> Files() =>
        Directory.Exists(_folder) ? Directory.EnumerateFiles(_folder, "*" + Ending).Order(StringComparer.Ordinal) : [];

    private string FileOf(EntryId entry, long version) =>
        Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{entry}-{version}{Ending}"));

    /// <summary>Our own word, from a file that anybody who can write here may have changed.</summary>
    private static TransferReceipt? Read(string file, MembershipVerifier verifier) =>
        File.Exists(file)
        && TransferReceipt.TryRead(
            PrivateFiles.Read(file, CustodyLimits.MaxReceiptLength),
            verifier,
            null,
            out var receipt,
            out _
        )
            ? receipt
            : null;

    private bool Write(string name, ReadOnlySpan<byte> content)
    {
        PrivateFiles.CreateFolder(_folder);
        PrivateFiles.Write(Path.Combine(_folder, name), content);
        return true;
    }

    private T Guarded<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LocalMembershipException("receipts-unusable", $"{_folder}: {exception.Message}", exception);
        }
    }
}
