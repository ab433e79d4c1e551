using System.Globalization;
using System.Text;
using Shoal.Files;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>What a challenge came to.</summary>
/// <param name="At">When the answer was judged.</param>
/// <param name="Verdict">Never <see cref="CustodyVerdict.Invalid"/>: what says nothing is not noted.</param>
/// <param name="Blocks">How many were asked for.</param>
public sealed record ChallengeNote(MemberId Member, DateTimeOffset At, CustodyVerdict Verdict, int Blocks);

/// <summary>
/// What a challenger has found out about copies of one content, the last result for each member. It stays on the challenger's machine, in the
/// folder <c>custody</c> of the membership: the hub never learns whether an answer was right.
/// </summary>
public sealed class ChallengeNotes
{
    // 100,000 members: some 6 MB.
    private const int MaxLength = 8 * 1024 * 1024;

    private readonly string _folder;
    private readonly string _file;
    private readonly Dictionary<MemberId, ChallengeNote> _notes = [];

    /// <param name="membership">The folder of the membership.</param>
    /// <param name="content">Which copies.</param>
    /// <exception cref="LocalMembershipException">They cannot be read.</exception>
    public ChallengeNotes(string membership, ReceiptContent content)
    {
        _folder = Path.Combine(membership, "custody");
        _file = Path.Combine(
            _folder,
            string.Create(CultureInfo.InvariantCulture, $"{content.Entry}-{content.Version}")
        );
        Guarded(() =>
        {
            if (File.Exists(_file))
            {
                var text = Encoding.ASCII.GetString(PrivateFiles.Read(_file, MaxLength));
                foreach (var note in text.Split('\n').Select(Read).OfType<ChallengeNote>())
                {
                    _notes[note.Member] = note;
                }
            }
        });
    }

    public IReadOnlyDictionary<MemberId, ChallengeNote> All => _notes;

    /// <summary>Takes the place of the member's former one.</summary>
    /// <exception cref="LocalMembershipException">It cannot be written.</exception>
    public void Add(ChallengeNote note)
    {
        ArgumentNullException.ThrowIfNull(note);
        _notes[note.Member] = note;
        Guarded(() =>
        {
            var text = new StringBuilder();
            foreach (var one in _notes.Values)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"{one.Member} {one.At.ToUnixTimeSeconds()} {(int)one.Verdict} {one.Blocks}\n"
                );
            }

            PrivateFiles.CreateFolder(_folder);
            PrivateFiles.Write(_file, Encoding.ASCII.GetBytes(text.ToString()));
        });
    }

    private static ChallengeNote? Read(string line) =>
        line.Split(' ') is [var id, var time, var verdict, var blocks]
        && MemberId.TryParse(id, out var member)
        && long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
        && at <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
        && int.TryParse(verdict, NumberStyles.None, CultureInfo.InvariantCulture, out var kind)
        && kind < (int)CustodyVerdict.Invalid
        && int.TryParse(blocks, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? new ChallengeNote(member, DateTimeOffset.FromUnixTimeSeconds(at), (CustodyVerdict)kind, count)
            : null;

    private void Guarded(Action work)
    {
        try
        {
            work();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LocalMembershipException("custody-unusable", $"{_folder}: {exception.Message}", exception);
        }
    }
}
