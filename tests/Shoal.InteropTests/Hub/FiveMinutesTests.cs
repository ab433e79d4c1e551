using System.Text.RegularExpressions;

namespace Shoal.InteropTests;

/// <summary>docs/invite.md, done as it says. Only the name of the hub is another, since nobody here can look it up.</summary>
public sealed partial class FiveMinutesTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_page_does_what_it_says()
    {
        var blocks = Block().Matches(await ReadPageAsync()).Select(match => match.Groups[1].Value.Trim()).ToList();
        Assert.Equal(14, blocks.Count);
        await using var lab = await Lab.CreateAsync("five-minutes");
        var (publisher, ada) = (await lab.AddHostAsync("publisher"), await lab.AddHostAsync("ada"));
        var genomes = publisher.SubFolder("genomes");
        DataSet.Write(genomes);
        await File.WriteAllTextAsync(Path.Combine(publisher.Folder, "people.csv"), "name,email\nBen,b@example.org\n");
        string At(int block) => blocks[block].Replace("hub.example.org", publisher.Address, StringComparison.Ordinal);

        var hub = Start(publisher, At(0));
        await hub.WaitForLineAsync(line => line.StartsWith("Hub at https://", StringComparison.Ordinal), Patience);
        var publish = Start(publisher, At(1));
        await publish.WaitForLineAsync(
            line => line.StartsWith("Published 'genomes'", StringComparison.Ordinal),
            Patience
        );
        Assert.Equal(0, await Start(publisher, At(2)).WaitForExitAsync(Patience));
        Assert.Equal(0, await Start(publisher, At(3)).WaitForExitAsync(Patience));
        var links = await File.ReadAllTextAsync(Path.Combine(publisher.Folder, "links.csv"));
        Assert.Matches(
            @"^name,email,invitation,link\nBen,b@example\.org,[a-z2-7]{13},https://10\.99\.0\.\d+:7450/join#\S+\n$",
            links
        );

        // She gets it by mail.
        File.Copy(Path.Combine(publisher.Folder, "ada.txt"), Path.Combine(ada.Folder, "ada.txt"));
        var join = Start(ada, At(4));
        Assert.Equal(0, await join.WaitForExitAsync(Patience));
        DataSet.AssertSame(genomes, Path.Combine(ada.Folder, "data", "genomes"));

        var eve = await lab.AddHostAsync("eve");
        var written = Start(publisher, At(5));
        Assert.Equal(0, await written.WaitForExitAsync(Patience));
        var passphrase = written.Lines.Single(line => line.StartsWith("Passphrase: ", StringComparison.Ordinal))[12..];
        File.Copy(Path.Combine(publisher.Folder, "eve.invitation"), Path.Combine(eve.Folder, "eve.invitation"));
        var file = StartTyping(eve, At(6), [passphrase]);
        Assert.Equal(0, await file.WaitForExitAsync(Patience));
        Assert.DoesNotContain(file.Lines, line => line.Contains(passphrase, StringComparison.Ordinal));
        Assert.DoesNotContain("the terminal shows what is typed", file.Lines);
        DataSet.AssertSame(genomes, Path.Combine(eve.Folder, "data", "genomes"));
        var protect = StartTyping(eve, At(7), ["new words", "new words"]);
        Assert.Equal(0, await protect.WaitForExitAsync(Patience));

        var lists = Start(publisher, At(8));
        Assert.Equal(0, await lists.WaitForExitAsync(Patience));
        Assert.Contains(
            lists.Lines,
            line => line.Contains("1/1  member  Ada Lovelace  (used)", StringComparison.Ordinal)
        );
        Assert.Contains(lists.Lines, line => line.Contains("0/1  member  Ben  (open", StringComparison.Ordinal));
        Assert.Contains(lists.Lines, line => line.Contains("  member  Ada Lovelace  (since", StringComparison.Ordinal));

        // Published again as it was, to go on seeding.
        await publish.StopAsync();
        var slow = Start(publisher, At(9));
        await slow.WaitForLineAsync(
            line => line.StartsWith("Published 'genomes', version 1", StringComparison.Ordinal),
            Patience
        );
        await slow.StopAsync();

        // She is asked for receipts, agrees, and takes it back; nothing was told in between.
        var asking = Start(publisher, At(10));
        await asking.WaitForLineAsync(
            line => line.StartsWith("Published 'genomes', version 2", StringComparison.Ordinal),
            Patience
        );
        var receipts = Start(ada, At(11));
        Assert.Equal(0, await receipts.WaitForExitAsync(Patience));
        Assert.Contains(
            receipts.Lines,
            line => line.StartsWith("You agreed to give receipts", StringComparison.Ordinal)
        );
        Assert.Contains("of you it has nothing", receipts.Lines[^1], StringComparison.Ordinal);
        var custody = Start(publisher, At(12));
        Assert.Equal(0, await custody.WaitForExitAsync(Patience));
        Assert.Contains(custody.Lines, line => line.Contains("complete copies: 0 claimed", StringComparison.Ordinal));

        // She leaves; what she fetched is hers.
        Assert.Equal(0, await Start(ada, At(13)).WaitForExitAsync(Patience));
        DataSet.AssertSame(genomes, Path.Combine(ada.Folder, "data", "genomes"));

        // The link is used: whoever finds the mail later gets nothing.
        var thief = await lab.AddHostAsync("thief");
        File.Copy(Path.Combine(ada.Folder, "ada.txt"), Path.Combine(thief.Folder, "ada.txt"));
        var stolen = Start(thief, At(4));
        Assert.Equal(1, await stolen.WaitForExitAsync(Patience));
        Assert.Contains("was used already", stolen.Lines[^1], StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(thief.Folder, "data")));
    }

    /// <summary>At a terminal, where somebody types what is asked for.</summary>
    private static ClientProcess StartTyping(Host host, string block, IEnumerable<string> lines)
    {
        File.WriteAllText(Path.Combine(host.Folder, "typed"), string.Concat(lines.Select(line => line + "\n")));
        return host.Start(Tools.Python, Tools.Script("type.py"), "typed", "/bin/sh", "-c", CommandOf(block));
    }

    private static ClientProcess Start(Host host, string block) => host.Start("/bin/sh", "-c", CommandOf(block));

    private static string CommandOf(string block) =>
        $"set -e; PATH='{Path.GetDirectoryName(Tools.Shoal)}':$PATH; cd; "
        + (block.Contains('\n') || block.Contains('>') || block.Contains('<') ? block : "exec " + block);

    private static async Task<string> ReadPageAsync()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var page = Path.Combine(folder.FullName, "docs", "invite.md");
            if (File.Exists(page))
            {
                return await File.ReadAllTextAsync(page);
            }
        }

        throw new FileNotFoundException("docs/invite.md");
    }

    [GeneratedRegex(@"```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
