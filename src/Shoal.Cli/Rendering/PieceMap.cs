using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>Which parts of the content are here, as a picture of blocks: the fuller, the more of that stretch.</summary>
internal static class PieceMap
{
    private const string Shades = " ░▒▓█";

    /// <summary>Rows of <paramref name="width"/> cells; together they stand for all pieces in order.</summary>
    public static IReadOnlyList<string> Draw(Bitfield pieces, int width, int rows)
    {
        var cells = Math.Min(width * rows, pieces.Length);
        if (cells <= 0)
        {
            return [];
        }

        var line = new char[cells];
        for (var cell = 0; cell < cells; cell++)
        {
            var from = (int)((long)pieces.Length * cell / cells);
            var to = (int)((long)pieces.Length * (cell + 1) / cells);
            var have = 0;
            for (var piece = from; piece < to; piece++)
            {
                have += pieces[piece] ? 1 : 0;
            }

            // The full block is for the full stretch only, the empty one for the empty.
            line[cell] =
                have == 0 ? Shades[0]
                : have == to - from ? Shades[^1]
                : Shades[1 + Math.Min(2, have * 3 / (to - from))];
        }

        return [.. line.Chunk(width).Select(row => new string(row))];
    }
}
