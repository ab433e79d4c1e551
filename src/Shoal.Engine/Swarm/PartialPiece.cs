using Shoal.Protocol;

namespace Shoal.Engine;

internal enum BlockPhase : byte
{
    Free,
    Requested,
    Received,
}

/// <summary>
/// A piece that was begun and is not proven: which blocks are here, which are asked for, and who sent what.
/// </summary>
internal sealed class PartialPiece
{
    private readonly BlockPhase[] _phases;

    // How many peers a block is asked of; above one only in endgame.
    private readonly byte[] _askers;
    private readonly PeerState?[] _senders;
    private int _firstFree;

    // v2, while somebody reads it: hashes of blocks that are here, and which of them were found true.
    private Sha256Digest[]? _leaves;
    private bool[]? _provenAlone;

    public PartialPiece(PieceIndex piece, int blocks, int level)
    {
        Piece = piece;
        Level = level;
        Free = blocks;
        _phases = new BlockPhase[blocks];
        _askers = new byte[blocks];
        _senders = new PeerState?[blocks];
    }

    public PieceIndex Piece { get; }

    /// <summary>The file priority it is fetched with; 0: no longer wanted.</summary>
    public int Level { get; set; }

    public int BlockCount => _phases.Length;
    public int Free { get; private set; }
    public int Requested { get; private set; }
    public int Received => BlockCount - Free - Requested;
    public bool IsUntouched => Free == BlockCount;
    public bool IsWhole => Free == 0 && Requested == 0;

    /// <summary>The peer fast enough to take all of it; others leave it alone while they have another choice.</summary>
    public PeerState? Owner { get; set; }

    /// <summary>Some blocks came from a former run: if the piece fails, nobody can be blamed.</summary>
    public bool IsFromResume { get; set; }

    /// <summary>Fetched from one peer only, since an attempt with several failed: a second failure names the guilty.</summary>
    public bool IsOnParole { get; set; }

    /// <summary>Failed, and kept until the disk has told the digests of its blocks.</summary>
    public bool IsAwaitingDigests { get; set; }

    /// <summary>Proven or thrown away; requests for it that are still out are duplicates.</summary>
    public bool IsGone { get; set; }

    /// <summary>The disk tells the hashes of its blocks.</summary>
    public bool IsWatched { get; set; }

    /// <summary>Some blocks were proven before the piece is.</summary>
    public bool HasProvenAlone => _provenAlone is not null;

    public BlockPhase this[int block] => _phases[block];

    public int AskersOf(int block) => _askers[block];

    /// <summary>Who sent the block; while it is not here, who was asked for it last.</summary>
    public PeerState? SenderOf(int block) => _senders[block];

    /// <summary>The first free block, or -1.</summary>
    public int NextFree()
    {
        if (Free == 0)
        {
            return -1;
        }

        while (_phases[_firstFree] != BlockPhase.Free)
        {
            _firstFree++;
        }

        return _firstFree;
    }

    public void Ask(int block, PeerState peer)
    {
        _senders[block] = peer;
        if (_phases[block] == BlockPhase.Free)
        {
            _phases[block] = BlockPhase.Requested;
            Free--;
            Requested++;
        }

        _askers[block]++;
    }

    /// <summary>One asker less.</summary>
    public void Unask(int block)
    {
        _askers[block]--;
        if (_askers[block] == 0 && _phases[block] == BlockPhase.Requested)
        {
            _phases[block] = BlockPhase.Free;
            Requested--;
            Free++;
            _firstFree = Math.Min(_firstFree, block);
        }
    }

    /// <summary>The block is here. Whoever else was asked is still counted until <see cref="Unask"/>.</summary>
    public void Receive(int block, PeerState? sender)
    {
        if (_phases[block] == BlockPhase.Free)
        {
            Free--;
        }
        else
        {
            Requested--;
        }

        _phases[block] = BlockPhase.Received;
        _senders[block] = sender;
    }

    /// <summary>The block was false: it is free again.</summary>
    public void Lose(int block)
    {
        _phases[block] = BlockPhase.Free;
        _senders[block] = null;
        Free++;
        _firstFree = Math.Min(_firstFree, block);
        _leaves![block] = default;
    }

    /// <summary>The hash of a block that is here; null: not told yet.</summary>
    public Sha256Digest? LeafOf(int block) => _leaves is { } leaves && !leaves[block].IsZero ? leaves[block] : null;

    public void SetLeaf(int block, Sha256Digest leaf)
    {
        _leaves ??= new Sha256Digest[BlockCount];
        if ((uint)block < (uint)BlockCount)
        {
            _leaves[block] = leaf;
        }
    }

    public bool IsProvenAlone(int block) => _provenAlone is { } proven && proven[block];

    public void ProveAlone(int block) => (_provenAlone ??= new bool[BlockCount])[block] = true;

    /// <summary>The single peer that sent all blocks; null if there were several or one is not known.</summary>
    public PeerState? OnlySender()
    {
        if (IsFromResume)
        {
            return null;
        }

        var first = _senders[0];
        foreach (var sender in _senders)
        {
            if (sender is null || sender != first)
            {
                return null;
            }
        }

        return first;
    }

    /// <summary>The piece is proven: so is the honesty of everybody who sent a block of it.</summary>
    public void CreditSenders(PieceLayout layout, MemberCredits credits)
    {
        // Padding is nobody's merit.
        var data = layout.DataSizeOf(Piece);
        for (var i = 0; i < _senders.Length; i++)
        {
            if (_senders[i] is { } sender)
            {
                sender.ProvenBlocks++;
                credits.Add(sender, Math.Min(PieceLayout.BlockSize, data - i * PieceLayout.BlockSize));
            }
        }
    }

    internal void CheckInvariants()
    {
        int free = 0,
            requested = 0;
        for (var i = 0; i < _phases.Length; i++)
        {
            free += _phases[i] == BlockPhase.Free ? 1 : 0;
            requested += _phases[i] == BlockPhase.Requested ? 1 : 0;
            Invariant.Holds(_phases[i] != BlockPhase.Requested || _askers[i] > 0, "a requested block has an asker");
            Invariant.Holds(_phases[i] != BlockPhase.Free || _askers[i] == 0, "a free block has no asker");
        }

        Invariant.Holds(free == Free && requested == Requested, "block counts are true");
    }
}
