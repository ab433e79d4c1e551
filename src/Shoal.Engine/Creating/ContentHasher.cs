using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What hashing one piece came to. The spans are valid during the call only.</summary>
internal readonly ref struct HashedPiece
{
    public required PieceIndex Piece { get; init; }

    /// <summary>Set: the piece could not be read, and there are no hashes.</summary>
    public ContentFailure? Failure { get; init; }

    /// <summary>20 bytes, or empty if not asked for.</summary>
    public ReadOnlySpan<byte> V1 { get; init; }

    /// <summary>32 bytes for each block of data, or empty if not asked for.</summary>
    public ReadOnlySpan<byte> Blocks { get; init; }
}

/// <summary>
/// Hashes all pieces of a torrent's content, as v1, v2 or both from one read, on all cores. Memory: a buffer
/// that fits a core's cache, and the hashes of one piece's blocks, for each worker.
/// </summary>
/// <remarks>
/// Each worker takes the next run of pieces, reads it and hashes it: no worker waits for another, and no byte
/// changes hands.
/// </remarks>
internal sealed class ContentHasher(PieceLayout layout, IReadOnlyList<ContentFile> files, bool v1, bool v2)
{
    /// <summary>Bytes read at once: what is read is still in the processor's cache when it is hashed.</summary>
    private const int BufferSize = 128 * 1024;

    /// <summary>Bytes a worker takes at a time where pieces are smaller.</summary>
    private const int RunSize = 1024 * 1024;

    private static readonly byte[] Zeros = new byte[64 * 1024];

    private readonly int _piecesPerRun = Math.Max(1, RunSize / layout.PieceLength);
    private int _next;

    /// <summary>Called by several workers at once, in no order. False: stop.</summary>
    public delegate bool PieceSink(in HashedPiece piece);

    public Task RunAsync(int workers, PieceSink sink, CancellationToken cancellationToken)
    {
        var count = Math.Clamp(workers, 1, Math.Max(1, layout.PieceCount));
        return Task.WhenAll(
            Enumerable.Range(0, count).Select(_ => Task.Run(() => Work(sink, cancellationToken), cancellationToken))
        );
    }

    private void Work(PieceSink sink, CancellationToken cancellationToken)
    {
        using var reader = new ContentReader(files);
        using var sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        var buffer = PageMemory.Allocate(BufferSize);
        var blocks = v2 ? new byte[layout.BlocksPerPiece * Sha256Digest.Size] : [];
        var first = Interlocked.Add(ref _next, _piecesPerRun) - _piecesPerRun;
        while (first < layout.PieceCount && first >= 0)
        {
            var end = Math.Min(layout.PieceCount, first + _piecesPerRun);
            for (var index = first; index < end; index++)
            {
                if (!HashPiece(layout.Piece(index), reader, sha1, buffer, blocks, sink, cancellationToken))
                {
                    Interlocked.Exchange(ref _next, layout.PieceCount);
                    return;
                }
            }

            first = Interlocked.Add(ref _next, _piecesPerRun) - _piecesPerRun;
        }
    }

    private bool HashPiece(
        PieceIndex piece,
        ContentReader reader,
        IncrementalHash sha1,
        ArraySegment<byte> buffer,
        byte[] blocks,
        PieceSink sink,
        CancellationToken cancellationToken
    )
    {
        var offset = layout.OffsetOf(piece);
        var data = layout.DataSizeOf(piece);
        var blockCount = 0;
        for (var done = 0; done < data; )
        {
            cancellationToken.ThrowIfCancellationRequested();
            var span = buffer.AsSpan(0, Math.Min(BufferSize, data - done));
            if (reader.Read(offset + done, span) is { } failure)
            {
                if (v1)
                {
                    sha1.GetHashAndReset(stackalloc byte[Sha1Digest.Size]);
                }

                return sink(new HashedPiece { Piece = piece, Failure = failure });
            }

            done += span.Length;
            if (v1)
            {
                sha1.AppendData(span);
            }

            while (v2 && !span.IsEmpty)
            {
                var block = span[..Math.Min(PieceLayout.BlockSize, span.Length)];
                TreeHash.Compute(block, blocks.AsSpan(blockCount++ * Sha256Digest.Size));
                span = span[block.Length..];
            }
        }

        Span<byte> hash = stackalloc byte[Sha1Digest.Size];
        if (v1)
        {
            for (var padding = layout.SizeOf(piece) - data; padding > 0; padding -= Zeros.Length)
            {
                sha1.AppendData(Zeros.AsSpan(0, Math.Min(padding, Zeros.Length)));
            }

            sha1.GetHashAndReset(hash);
        }

        return sink(
            new HashedPiece
            {
                Piece = piece,
                V1 = v1 ? hash : default,
                Blocks = blocks.AsSpan(0, blockCount * Sha256Digest.Size),
            }
        );
    }
}
