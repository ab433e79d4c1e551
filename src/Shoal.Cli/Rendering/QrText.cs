using System.Text;
using QRCoder;

namespace Shoal.Cli;

/// <summary>A QR code as lines of half-height blocks, dark on light, with the quiet zone scanners need.</summary>
internal static class QrText
{
    // Version 40 with low correction holds 2,953 bytes; a code of half that fits no terminal.
    private const int MaxLength = 1200;

    /// <summary>Empty when the text is too long for a code that anybody could scan.</summary>
    public static IReadOnlyList<string> Of(string text)
    {
        if (text.Length > MaxLength)
        {
            return [];
        }

        using var generator = new QRCodeGenerator();
        using var code = generator.CreateQrCode(text, QRCodeGenerator.ECCLevel.L);
        var modules = code.ModuleMatrix;
        var rows = new List<string>();
        // The matrix has a quiet zone of four modules; two are enough on a light background.
        for (var y = 2; y < modules.Count - 2; y += 2)
        {
            var row = new StringBuilder();
            for (var x = 2; x < modules.Count - 2; x++)
            {
                var top = modules[y][x];
                var bottom = y + 1 < modules.Count - 2 && modules[y + 1][x];
                row.Append(
                    (top, bottom) switch
                    {
                        (true, true) => '█',
                        (true, false) => '▀',
                        (false, true) => '▄',
                        _ => ' ',
                    }
                );
            }

            rows.Add(row.ToString());
        }

        return rows;
    }
}
