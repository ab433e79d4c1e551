using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// What is known and wanted of the content, once the metadata is: proven pieces, pieces begun, priorities.
/// </summary>
internal sealed class ContentState
{
    public ContentState(Metainfo metainfo, Func<MetainfoFile, FilePriority>? priority, bool isSequential, Random random)
        : this(metainfo, isSequential, random, new PieceVerifier(metainfo)) =>
        SetPriorities([.. metainfo.Files.Select(file => priority?.Invoke(file) ?? FilePriority.Normal)]);

    /// <summary>Of which all is here.</summary>
    public ContentState(SwarmMemory memory, Random random)
        : this(memory.Metainfo, memory.IsSequential, random, memory.Verifier ?? new PieceVerifier(memory.Metainfo))
    {
        Losses = memory.Losses;
        Have.SetAll();
        SetPriorities(memory.Priorities ?? []);
    }

    private ContentState(Metainfo metainfo, bool isSequential, Random random, PieceVerifier verifier)
    {
        Metainfo = metainfo;
        Layout = metainfo.Layout;
        Files = new WantedFiles(metainfo);
        Have = new Bitfield(Layout.PieceCount);
        Needed = new Bitfield(Layout.PieceCount);
        Startable = new Bitfield(Layout.PieceCount);
        Availability = new Availability(Layout.PieceCount, random);
        Verifier = verifier;
        IsSequential = isSequential;
        Local = new LocalContent(this);
    }

    public Metainfo Metainfo { get; }
    public PieceLayout Layout { get; }
    public WantedFiles Files { get; }
    public PieceVerifier Verifier { get; }
    public Availability Availability { get; private set; }

    /// <summary>What need not be fetched.</summary>
    public LocalContent Local { get; }

    /// <summary>Proven.</summary>
    public Bitfield Have { get; }

    /// <summary>Wanted and not proven.</summary>
    public Bitfield Needed { get; }

    /// <summary>Needed and not begun: exactly what stands in the lists of <see cref="Availability"/>.</summary>
    public Bitfield Startable { get; }

    public Dictionary<int, PartialPiece> Partials { get; } = [];

    /// <summary>Pieces begun that have free blocks come first in it; see <see cref="Picker"/>.</summary>
    public List<PartialPiece> PartialOrder { get; } = [];

    public bool IsSequential { get; set; }

    /// <summary>Pieces wanted by a time, soonest first.</summary>
    public List<(PieceIndex Piece, TimeSpan At)> Deadlines { get; } = [];

    /// <summary>Grows when something that was proven is so no longer: who reads must not trust what it read meanwhile.</summary>
    public int Losses { get; private set; }

    public bool IsDone => Needed.IsEmpty;

    public byte LevelOf(int piece) => Files.Levels[piece];

    public void SetPriorities(IReadOnlyList<FilePriority> priorities)
    {
        Files.SetPriorities(priorities, Have);
        PlaceAll();
    }

    /// <summary>Files elsewhere on this machine hold some of the content.</summary>
    public void AddLocal(IReadOnlyList<FoundFile> found)
    {
        Local.Add(found);
        PlaceAll();
    }

    /// <summary>v2 piece hashes of a former run; those that prove true make pieces verifiable.</summary>
    public void SetLayers(byte[]? layers)
    {
        if (layers is not null && Verifier.Hashes is { IsComplete: false } hashes)
        {
            hashes.SetLayers(layers);
            PlaceAll();
        }
    }

    /// <summary>Begins a piece.</summary>
    public PartialPiece Begin(PieceIndex piece)
    {
        var partial = new PartialPiece(piece, Layout.DataBlockCount(piece), LevelOf(piece.Value));
        Partials.Add(piece.Value, partial);
        PartialOrder.Add(partial);
        PlaceWithTwins(piece.Value);
        return partial;
    }

    /// <summary>A former run has left the block on disk.</summary>
    public void Restore(PieceIndex piece, int block)
    {
        var partial = Partials.GetValueOrDefault(piece.Value) ?? Begin(piece);
        if ((uint)block < (uint)partial.BlockCount && partial[block] == BlockPhase.Free)
        {
            partial.IsFromResume = true;
            partial.Receive(block, null);
        }
    }

    /// <summary>Forgets a piece that was begun: it is proven, has failed, or nothing of it is here.</summary>
    public void Drop(PartialPiece partial)
    {
        if (partial.IsGone)
        {
            return;
        }

        partial.IsGone = true;
        Losses += partial.HasProvenAlone && !Have[partial.Piece] ? 1 : 0;
        if (partial.IsWatched)
        {
            Verifier.Hashes!.FileOf(partial.Piece, out var inFile).DropBlocks(inFile);
        }

        Partials.Remove(partial.Piece.Value);
        PartialOrder.Remove(partial);
        PlaceWithTwins(partial.Piece.Value);
    }

    public void DropIfUntouched(PartialPiece partial)
    {
        if (partial.IsUntouched && !partial.IsOnParole)
        {
            Drop(partial);
        }
    }

    /// <summary>Pieces that were begun and of which nothing is here or asked for: others may begin them.</summary>
    public void DropUntouched()
    {
        for (var i = PartialOrder.Count - 1; i >= 0; i--)
        {
            DropIfUntouched(PartialOrder[i]);
        }
    }

    public void Prove(PieceIndex piece)
    {
        if (Have.Set(piece))
        {
            Files.AddDone(piece.Value);
            if (Deadlines.Count > 0)
            {
                SetDeadline(piece, null);
            }
        }

        PlaceWithTwins(piece.Value);
    }

    public void Unprove(PieceIndex piece)
    {
        if (Have.Clear(piece))
        {
            Losses++;
            Files.RemoveDone(piece.Value);
        }

        PlaceWithTwins(piece.Value);
    }

    private void PlaceAll()
    {
        for (var i = 0; i < Layout.PieceCount; i++)
        {
            Place(i);
        }
    }

    /// <summary>Brings the sets in line with what is true of the piece.</summary>
    public void Place(int piece)
    {
        var level = LevelOf(piece);
        var needed = level > 0 && !Have[piece];
        var begun = Partials.TryGetValue(piece, out var partial);
        if (begun)
        {
            partial!.Level = level;
        }

        var startable = needed && !begun && Verifier.CanVerify(piece) && !Local.IsWithheld(piece);
        var copyable = needed && !begun && Local.CanCopy(piece, out _, out _);
        _ = copyable ? Local.Copyable.Set(piece) : Local.Copyable.Clear(piece);
        _ = needed ? Needed.Set(piece) : Needed.Clear(piece);
        _ = startable ? Startable.Set(piece) : Startable.Clear(piece);
        if (startable)
        {
            Availability.List(piece, level);
        }
        else
        {
            Availability.Unlist(piece);
        }
    }

    /// <summary>As <see cref="Place"/>, for the piece and those with the same bytes.</summary>
    public void PlaceWithTwins(int piece)
    {
        Place(piece);
        foreach (var twin in Local.TwinsOf(piece))
        {
            Place(twin);
        }
    }

    public void SetDeadline(PieceIndex piece, TimeSpan? deadline)
    {
        Deadlines.RemoveAll(entry => entry.Piece == piece);
        if (deadline is { } at && !Have[piece])
        {
            var place = Deadlines.FindIndex(entry => entry.At > at);
            Deadlines.Insert(place < 0 ? Deadlines.Count : place, (piece, at));
        }
    }

    internal void CheckInvariants()
    {
        for (var i = 0; i < Layout.PieceCount; i++)
        {
            var needed = LevelOf(i) > 0 && !Have[i];
            Invariant.Holds(Needed[i] == needed, "needed is wanted and not proven");
            Invariant.Holds(Availability.IsListed(i) == Startable[i], "startable pieces are listed");
            Invariant.Holds(!Startable[i] || !Local.Copyable[i], "what can be copied is not fetched");
            Invariant.Holds(!Startable[i] || (needed && !Partials.ContainsKey(i)), "startable is needed, not begun");
        }

        Invariant.Holds(Partials.Count == PartialOrder.Count, "each partial piece is in the order once");
        foreach (var partial in PartialOrder)
        {
            Invariant.Holds(!partial.IsGone && !Have[partial.Piece], "a partial piece is not proven");
            partial.CheckInvariants();
        }
    }
}
