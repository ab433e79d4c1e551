using System.Text;

namespace Shoal.InteropTests;

/// <summary>QR codes of invitations, read by a program that reads such (zbar).</summary>
public sealed class InvitationCodeTests
{
    private const int Scale = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_code_leads_where_the_link_does_in_a_picture_and_in_a_terminal()
    {
        await using var lab = await Lab.CreateAsync("codes");
        var host = await lab.AddHostAsync("hub");
        string[] state = ["--state", host.SubFolder("state")];
        var hub = host.Start(Tools.Shoal, ["hub", "--host", host.Address, .. state]);
        await hub.WaitForLineAsync(line => line.StartsWith("Hub at https://", StringComparison.Ordinal), Patience);
        await File.WriteAllTextAsync(Path.Combine(host.Folder, "people.csv"), "name\nAda\nBen\n");
        var codes = Path.Combine(host.Folder, "codes");
        var people = Path.Combine(host.Folder, "people.csv");
        await host.RunAsync(Tools.Shoal, ["invite", "import", people, "--qr", codes, .. state]);
        var table = await File.ReadAllLinesAsync(Path.Combine(host.Folder, "people-links.csv"));
        for (var line = 2; line <= 3; line++)
        {
            var picture = Path.Combine(codes, $"line-0000{line}.png");
            Assert.Equal(table[line - 1].Split(',')[2], await ReadAsync(host, picture));
            // As good as the link itself.
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(picture));
        }

        var shown = await host.RunAsync(Tools.Shoal, ["invite", "create", "--qr", .. state]);
        var rows = shown.TrimEnd('\n').Split('\n');
        var drawn = Path.Combine(host.Folder, "terminal.pbm");
        await File.WriteAllTextAsync(drawn, Draw(rows[1..]));
        Assert.Equal(rows[0], await ReadAsync(host, drawn));
    }

    private static async Task<string> ReadAsync(Host host, string picture) =>
        (await host.RunAsync("zbarimg", ["--quiet", "--raw", picture])).Trim();

    /// <summary>The half blocks of a terminal as a picture (PBM).</summary>
    private static string Draw(string[] rows)
    {
        var text = new StringBuilder().Append("P1\n");
        text.Append(Invariant($"{rows[0].Length * Scale} {rows.Length * 2 * Scale}\n"));
        foreach (var row in rows)
        {
            foreach (var half in (string[])["█▀", "█▄"])
            {
                var line = string.Concat(row.Select(block => new string(half.Contains(block) ? '1' : '0', Scale)));
                for (var i = 0; i < Scale; i++)
                {
                    text.Append(line).Append('\n');
                }
            }
        }

        return text.ToString();
    }

    private static string Invariant(FormattableString text) =>
        text.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
