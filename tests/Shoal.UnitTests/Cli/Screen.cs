using System.Globalization;

namespace Shoal.UnitTests;

/// <summary>
/// What a terminal shows after all was written to it: as much of a terminal as the live view uses. An escape
/// sequence that it does not know fails the test.
/// </summary>
internal sealed class Screen
{
    private readonly List<string> _lines = [""];
    private int _row;

    public Screen(string written)
    {
        for (var at = 0; at < written.Length; at++)
        {
            switch (written[at])
            {
                case '\n':
                    _row++;
                    if (_row == _lines.Count)
                    {
                        _lines.Add("");
                    }

                    break;
                case '\r':
                    break;
                case '\e':
                    at = Sequence(written, at);
                    break;
                default:
                    Assert.False(char.IsControl(written[at]));
                    _lines[_row] += written[at];
                    break;
            }
        }
    }

    public bool CursorIsVisible { get; private set; } = true;

    /// <summary>From the top to the last line that is not empty.</summary>
    public IReadOnlyList<string> Lines => [.. _lines.Take(_lines.FindLastIndex(line => line.Length > 0) + 1)];

    private int Sequence(string written, int at)
    {
        Assert.Equal('[', written[at + 1]);
        var end = at + 2;
        while (!char.IsLetter(written[end]))
        {
            end++;
        }

        var argument = written[(at + 2)..end];
        switch (written[end])
        {
            case 'm':
                break;
            case 'A':
                _row -= int.Parse(argument, CultureInfo.InvariantCulture);
                Assert.True(_row >= 0);
                break;
            case 'J':
                _lines.RemoveRange(_row, _lines.Count - _row);
                _lines.Add("");
                break;
            case 'h' or 'l':
                Assert.Equal("?25", argument);
                CursorIsVisible = written[end] == 'h';
                break;
            default:
                Assert.Fail("unknown sequence " + written[at..(end + 1)][1..]);
                break;
        }

        return end;
    }
}
