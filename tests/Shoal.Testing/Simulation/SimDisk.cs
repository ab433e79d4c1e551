using System.Security.Cryptography;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>
/// The disk of one node: keeps its content over restarts, answers after a while, and can be full, or lie when read.
/// </summary>
internal sealed class SimDisk : ITorrentDisk
{
    private readonly SimWorld _world;
    private readonly SimNode _node;
    private readonly PieceLayout _layout;
    private readonly Metainfo _metainfo;
    private readonly Dictionary<int, bool[]> _written = [];
    private readonly HashSet<int> _discarded = [];
    private readonly HashSet<int> _watched = [];
    private readonly Queue<DiskRequest> _stuck = new();

    public SimDisk(SimWorld world, SimNode node, Metainfo metainfo)
    {
        _world = world;
        _node = node;
        _layout = metainfo.Layout;
        _metainfo = metainfo;
        Content = new byte[(long)_layout.PieceCount * _layout.PieceLength];
        Claimed = new Bitfield(_layout.PieceCount);
    }

    public byte[] Content { get; }

    /// <summary>What the resume data would say: pieces the swarm has committed.</summary>
    public Bitfield Claimed { get; }

    /// <summary>v2 piece hashes that peers sent.</summary>
    public byte[]? PieceLayers { get; set; }

    public TimeSpan Latency { get; set; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Bytes that may still be written; beyond, the disk is full.</summary>
    public long Space { get; set; } = long.MaxValue;

    /// <summary>Changes what a read returns.</summary>
    public Action<PieceIndex, Memory<byte>>? Spoil { get; set; }

    public int Reads { get; private set; }
    public int Hashings { get; private set; }
    public int Copies { get; private set; }
    public bool IsStuck => _stuck.Count > 0;

    /// <summary>Puts everything there, as on the disk of a seed.</summary>
    public void Fill(byte[] content)
    {
        content.CopyTo(Content, 0);
        Claimed.SetAll();
    }

    public ResumeState CreateResume()
    {
        var blocks = new List<BlockRef>();
        foreach (var (piece, written) in _written)
        {
            for (var i = 0; i < written.Length && !Claimed[piece]; i++)
            {
                if (written[i])
                {
                    blocks.Add(new BlockRef(_layout.Piece(piece), i));
                }
            }
        }

        return new ResumeState
        {
            Have = Claimed.Clone(),
            Check = new Bitfield(_layout.PieceCount),
            Blocks = blocks,
            PieceLayers = PieceLayers,
        };
    }

    /// <summary>Space was made: what waited is written, and the swarm hears of it.</summary>
    public void Recover(long space)
    {
        Space = space;
        while (_stuck.TryDequeue(out var request))
        {
            Write(request);
        }

        _node.Post(new SwarmEvent(SwarmEventKind.DiskRecovered));
    }

    /// <summary>The process died: what it held in memory is gone.</summary>
    public void Forget()
    {
        while (_stuck.TryDequeue(out var request))
        {
            request.Buffer!.Release();
        }
    }

    public void Submit(ReadOnlySpan<DiskRequest> batch)
    {
        foreach (var request in batch)
        {
            Submit(request);
        }
    }

    private void Submit(DiskRequest request)
    {
        switch (request.Kind)
        {
            case DiskRequestKind.WriteBlock when Space < request.Length:
                _stuck.Enqueue(request);
                if (_stuck.Count == 1)
                {
                    Answer(
                        new SwarmEvent(
                            SwarmEventKind.DiskFailed,
                            Payload: new DiskFailure(DiskFailureKind.Full, "no space left")
                        )
                    );
                }

                break;
            case DiskRequestKind.WriteBlock:
                Space -= request.Length;
                Write(request);
                break;
            case DiskRequestKind.ReadBlock:
                Read(request);
                break;
            case DiskRequestKind.HashPiece:
                Hash(request.Piece, request.Length == 1);
                break;
            case DiskRequestKind.CopyPiece:
                Copy(request);
                break;
            case DiskRequestKind.WatchPiece:
                Watch(request.Piece);
                break;
            case DiskRequestKind.DiscardBlock:
                _written[request.Piece.Value][request.Begin / PieceLayout.BlockSize] = false;
                break;
            case DiskRequestKind.CommitPiece:
                Claimed.Set(request.Piece);
                _written.Remove(request.Piece.Value);
                _watched.Remove(request.Piece.Value);
                break;
            case DiskRequestKind.DiscardPiece:
                _written.Remove(request.Piece.Value);
                _discarded.Add(request.Piece.Value);
                break;
        }
    }

    private void Write(DiskRequest request)
    {
        if (!_written.TryGetValue(request.Piece.Value, out var written))
        {
            _written[request.Piece.Value] = written = new bool[_layout.DataBlockCount(request.Piece)];
        }

        if (written[request.Begin / PieceLayout.BlockSize])
        {
            throw new InvalidOperationException($"block {request.Piece}:{request.Begin} was written twice");
        }

        request.Buffer!.Span.CopyTo(Content.AsSpan((int)_layout.OffsetOf(request.Piece) + request.Begin));
        request.Buffer.Release();
        written[request.Begin / PieceLayout.BlockSize] = true;
        if (_watched.Contains(request.Piece.Value))
        {
            TellLeaf(request.Piece, request.Begin);
        }

        if (Array.TrueForAll(written, isThere => isThere))
        {
            Hash(request.Piece, _discarded.Contains(request.Piece.Value));
        }
    }

    private void Watch(PieceIndex piece)
    {
        _watched.Add(piece.Value);
        if (_written.TryGetValue(piece.Value, out var written))
        {
            for (var block = 0; block < written.Length; block++)
            {
                if (written[block])
                {
                    TellLeaf(piece, block * PieceLayout.BlockSize);
                }
            }
        }
    }

    private void TellLeaf(PieceIndex piece, int begin)
    {
        var length = Math.Min(PieceLayout.BlockSize, _layout.DataSizeOf(piece) - begin);
        var leaf = new Sha256Digest(SHA256.HashData(Content.AsSpan((int)_layout.OffsetOf(piece) + begin, length)));
        Answer(new SwarmEvent(SwarmEventKind.BlockHashed, Piece: (uint)piece.Value, Begin: (uint)begin, Payload: leaf));
    }

    private void Copy(DiskRequest request)
    {
        Copies++;
        _written.Remove(request.Piece.Value);
        var to = Content.AsSpan((int)_layout.OffsetOf(request.Piece), _layout.DataSizeOf(request.Piece));
        var inFile =
            _layout.OffsetOf(request.Piece)
            - _metainfo.Files.Last(file => file.Size > 0 && file.Offset <= _layout.OffsetOf(request.Piece)).Offset;
        if (request.Source is null)
        {
            Content.AsSpan((int)_layout.OffsetOf(_layout.Piece(request.Begin)), to.Length).CopyTo(to);
        }
        else if (!request.Source.TryRead(inFile, to))
        {
            Answer(
                new SwarmEvent(
                    SwarmEventKind.PieceHashed,
                    Payload: new PieceHashResult { Piece = request.Piece, IsComplete = false }
                )
            );
            return;
        }

        Hash(request.Piece, withBlocks: false);
    }

    private void Read(DiskRequest request)
    {
        Reads++;
        if (!_world.Pool.TryRent(out var buffer))
        {
            throw new InvalidOperationException("the pool of the simulation is too small");
        }

        buffer.Length = request.Length;
        Content.AsSpan((int)_layout.OffsetOf(request.Piece) + request.Begin, request.Length).CopyTo(buffer.Span);
        Spoil?.Invoke(request.Piece, buffer.Memory);
        Answer(
            new SwarmEvent(
                SwarmEventKind.BlockRead,
                request.Peer,
                Piece: (uint)request.Piece.Value,
                Begin: (uint)request.Begin,
                Length: (uint)request.Length,
                Payload: buffer
            )
        );
    }

    private void Hash(PieceIndex piece, bool withBlocks)
    {
        Hashings++;
        var offset = (int)_layout.OffsetOf(piece);
        Sha256Digest[]? blocks = null;
        if (withBlocks || _metainfo.Format != TorrentFormat.V1)
        {
            blocks = new Sha256Digest[_layout.DataBlockCount(piece)];
            var size = _layout.DataSizeOf(piece);
            for (var i = 0; i < blocks.Length; i++)
            {
                var begin = i * PieceLayout.BlockSize;
                var length = Math.Min(PieceLayout.BlockSize, size - begin);
                blocks[i] = new Sha256Digest(SHA256.HashData(Content.AsSpan(offset + begin, length)));
            }
        }

        Answer(
            new SwarmEvent(
                SwarmEventKind.PieceHashed,
                Payload: new PieceHashResult
                {
                    Piece = piece,
                    IsComplete = true,
                    V1 =
                        _metainfo.Format == TorrentFormat.V2
                            ? null
                            : new Sha1Digest(SHA1.HashData(Content.AsSpan(offset, _layout.SizeOf(piece)))),
                    Blocks = blocks,
                }
            )
        );
    }

    private void Answer(SwarmEvent e)
    {
        var life = _node.Life;
        _world.After(
            Latency,
            () =>
            {
                if (_node.Life == life)
                {
                    _node.Post(e);
                }
                else
                {
                    (e.Payload as BlockBuffer)?.Release();
                }
            }
        );
    }
}
