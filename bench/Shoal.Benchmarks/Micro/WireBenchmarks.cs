using BenchmarkDotNet.Attributes;
using Shoal.Protocol;

namespace Shoal.Benchmarks;

/// <summary>Peer messages: 64 blocks as they come in one receive, and the requests for as many.</summary>
public class WireBenchmarks
{
    private const int Blocks = 64;

    private readonly byte[] _pieces = new byte[Blocks * (PeerMessageWriter.PiecePrefixLength + PieceLayout.BlockSize)];
    private readonly byte[] _requests = new byte[Blocks * PeerMessageWriter.MaxFixedLength];

    public WireBenchmarks()
    {
        for (var i = 0; i < Blocks; i++)
        {
            PeerMessageWriter.WritePiecePrefix(
                _pieces.AsSpan(i * (PeerMessageWriter.PiecePrefixLength + PieceLayout.BlockSize)),
                7,
                (uint)(i * PieceLayout.BlockSize),
                PieceLayout.BlockSize
            );
        }
    }

    [Benchmark(OperationsPerInvoke = Blocks)]
    public uint ReadPiece() => Read(_pieces);

    [Benchmark(OperationsPerInvoke = Blocks)]
    public uint ReadRequest()
    {
        WriteRequest();
        return Read(_requests);
    }

    [Benchmark(OperationsPerInvoke = Blocks)]
    public int WriteRequest()
    {
        var at = 0;
        for (var i = 0; i < Blocks; i++)
        {
            at += PeerMessageWriter.WriteRange(
                _requests.AsSpan(at),
                MessageId.Request,
                7,
                (uint)(i * PieceLayout.BlockSize),
                PieceLayout.BlockSize
            );
        }

        return at;
    }

    private static uint Read(ReadOnlySpan<byte> input)
    {
        var sum = 0u;
        while (
            PeerMessageReader.Read(input, PeerWireLimits.Default, out var message, out var taken, out _, out _)
            == ReadStatus.Ok
        )
        {
            sum += message.Begin;
            input = input[taken..];
        }

        return sum;
    }
}
