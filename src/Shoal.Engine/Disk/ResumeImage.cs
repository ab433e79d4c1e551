using System.Collections.Frozen;
using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// What the records of a journal add up to. A journal being written keeps one too and feeds it the very bytes it
/// writes, so what a run believes and what the next run reads cannot differ.
/// </summary>
internal sealed partial class ResumeImage(PieceLayout layout, int fileCount)
{
    private const int MaxPeers = 1000;

    // Pieces proven and written, with the place of the record that said so; a later checkpoint makes them durable.
    private readonly List<(int Piece, long At)> _pending = [];

    // Most torrents never have any of these.
    private Dictionary<int, WrittenBlocks>? _blocks;
    private Dictionary<int, (long Time, int[] Files)>? _writing;
    private HashSet<int>? _kept;
    private Dictionary<int, string>? _renamed;

    /// <summary>Proven, and made durable by a checkpoint.</summary>
    public Bitfield Durable { get; private set; } = new(layout.PieceCount);

    /// <summary>Proven and written, but not known to be durable.</summary>
    public Bitfield Written { get; } = new(layout.PieceCount);

    /// <summary>Those of <see cref="Written"/> that the next checkpoint makes durable.</summary>
    public IEnumerable<int> Pending => _pending.Select(p => p.Piece);

    /// <summary>
    /// Nothing is claimed of these, but they may be on disk and are to be hashed: kept until they have been, in case
    /// a run ends before.
    /// </summary>
    public Bitfield Suspects { get; set; } = new(layout.PieceCount);

    public IReadOnlyDictionary<int, WrittenBlocks> Blocks =>
        _blocks ?? (IReadOnlyDictionary<int, WrittenBlocks>)FrozenDictionary<int, WrittenBlocks>.Empty;

    /// <summary>Of the blocks that were written these are believed.</summary>
    public void Believe(int piece, byte[] bitmap) => (_blocks ??= [])[piece] = new WrittenBlocks(bitmap, 0, bitmap);

    /// <summary>How we last left each file that we wrote to.</summary>
    public Dictionary<int, FileStamp> Stamps { get; } = [];

    /// <summary>How each file was at the last checkpoint that synced it.</summary>
    public Dictionary<int, FileStamp> DurableStamps { get; } = [];

    /// <summary>By shard: files about to be written to, of which no end was recorded.</summary>
    public IReadOnlyDictionary<int, (long Time, int[] Files)> Writing =>
        _writing ?? (IReadOnlyDictionary<int, (long Time, int[] Files)>)FrozenDictionary<int, (long, int[])>.Empty;

    /// <summary>Whether a run began to write and did not stop in good order.</summary>
    public bool IsOpen { get; private set; }

    public Guid BootId { get; private set; }

    public string SaveDirectory { get; private set; } = "";

    /// <summary>UTC ticks of the last record that has a time.</summary>
    public long LastTime { get; private set; }

    public IReadOnlyList<IPEndPoint> Peers { get; private set; } = [];

    public (long Downloaded, long Uploaded) Totals { get; private set; }

    public FilePriority[]? Priorities { get; private set; }

    /// <summary>Unwanted files whose part of shared pieces lies in the part file.</summary>
    public IReadOnlySet<int> Kept => _kept ?? (IReadOnlySet<int>)FrozenSet<int>.Empty;

    public IReadOnlyDictionary<int, string> Renamed =>
        _renamed ?? (IReadOnlyDictionary<int, string>)FrozenDictionary<int, string>.Empty;

    /// <summary>A file that was about to get this path, of which no end was recorded; null: none.</summary>
    public (int File, string Path)? Renaming { get; private set; }

    /// <summary>
    /// Files in whose places others have something where the copies of a move go; null: none goes on by copying, and none that did
    /// has originals left.
    /// </summary>
    public HashSet<int>? Foreign { get; private set; }

    public void ForgetForeign() => Foreign = null;

    /// <summary>Whether checkpoints have covered everything that was recorded.</summary>
    public bool IsAllDurable =>
        _pending.Count == 0 && (_blocks is null || _blocks.Values.All(blocks => blocks.Durable == blocks.Latest));

    /// <summary>Takes the meaning of one record.</summary>
    /// <param name="at">Where the record starts in the journal.</param>
    /// <returns>False: it makes no sense; nothing after it is to be believed.</returns>
    public bool Apply(ReadOnlySpan<byte> body, long at)
    {
        var reader = new ResumeRecordReader(body);
        switch ((ResumeRecordKind)reader.Byte())
        {
            case ResumeRecordKind.Session:
                LastTime = reader.Int64();
                BootId = reader.Raw(16) is { Length: 16 } id ? new Guid(id) : default;
                SaveDirectory = reader.Text();
                IsOpen = true;
                _writing = null;
                break;
            case ResumeRecordKind.Closed:
                LastTime = reader.Int64();
                IsOpen = false;
                _writing = null;
                break;
            case ResumeRecordKind.Begin:
                ApplyBegin(ref reader);
                break;
            case ResumeRecordKind.End:
                ApplyEnd(ref reader, at);
                break;
            case ResumeRecordKind.Checkpoint:
                ApplyCheckpoint(ref reader);
                break;
            case ResumeRecordKind.Durable:
                var parsed = Bitfield.TryParse(reader.Counted(), layout.PieceCount, out var durable);
                reader.Require(parsed);
                Durable = parsed ? durable : Durable;
                break;
            case ResumeRecordKind.Peers:
                ApplyPeers(ref reader);
                break;
            case ResumeRecordKind.Totals:
                Totals = (Math.Max(0, reader.Int64()), Math.Max(0, reader.Int64()));
                break;
            case ResumeRecordKind.Priorities:
                ApplyPriorities(ref reader);
                break;
            case ResumeRecordKind.Rename:
                var file = reader.Index(fileCount);
                var name = reader.Text();
                reader.Require(IsSafePath(name));
                if (reader.IsGood)
                {
                    (_renamed ??= [])[file] = name;
                    Renaming = null;
                }

                break;
            case ResumeRecordKind.Renaming:
                ApplyRenaming(ref reader);
                break;
            case ResumeRecordKind.Foreign:
                ApplyForeign(ref reader);
                break;
            case ResumeRecordKind.Suspects:
                var isParsed = Bitfield.TryParse(reader.Counted(), layout.PieceCount, out var suspects);
                reader.Require(isParsed);
                Suspects = isParsed ? suspects : Suspects;
                break;
            case ResumeRecordKind.Distrust:
                _pending.Clear();
                break;
            default:
                return false;
        }

        return reader.IsDone;
    }

    /// <summary>Takes back every claim about pieces.</summary>
    public void Forget()
    {
        Durable.ClearAll();
        Written.ClearAll();
        Suspects.ClearAll();
        _blocks = null;
        Stamps.Clear();
        DurableStamps.Clear();
        _writing = null;
        _pending.Clear();
    }

    /// <summary>Takes back every claim about pieces, which are to be hashed.</summary>
    public void SuspectAll()
    {
        for (var piece = 0; piece < layout.PieceCount; piece++)
        {
            if (Claims(piece))
            {
                Suspects.Set(piece);
            }
        }

        Durable.ClearAll();
        Written.ClearAll();
        Stamps.Clear();
        DurableStamps.Clear();
        _pending.Clear();
    }

    /// <summary>Takes back every claim about a piece.</summary>
    public void Forget(int piece)
    {
        Durable.Clear(piece);
        Written.Clear(piece);
        Suspects.Clear(piece);
        _blocks?.Remove(piece);
        _pending.RemoveAll(p => p.Piece == piece);
    }

    /// <summary>The data has just been found whole and good.</summary>
    public void ClaimAll(IEnumerable<KeyValuePair<int, FileStamp>> stamps)
    {
        Forget();
        Durable.SetAll();
        foreach (var (file, stamp) in stamps)
        {
            Stamps[file] = DurableStamps[file] = stamp;
        }
    }

    public bool Claims(int piece) => Durable[piece] || Written[piece];

    /// <summary>Whether a path from the journal stays below the save directory.</summary>
    public static bool IsSafePath(string path)
    {
        if (path.Length is 0 or > 4096 || path.AsSpan().ContainsAny('\0', '\\', ':'))
        {
            return false;
        }

        foreach (var element in path.Split('/'))
        {
            if (element is "" or "." or "..")
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>Blocks in files of a piece not complete; a bitmap, low bit first.</summary>
/// <param name="Latest">As of the last record.</param>
/// <param name="At">Where that record is.</param>
/// <param name="Durable">As of the last checkpoint that covers a record of the piece.</param>
internal sealed record WrittenBlocks(byte[] Latest, long At, byte[]? Durable)
{
    public byte[]? Durable { get; set; } = Durable;
}
