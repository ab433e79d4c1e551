using System.CommandLine;
using System.Globalization;
using System.Text;
using QRCoder;
using Shoal.Files;
using Shoal.Hub;

namespace Shoal.Cli;

/// <summary>Invites everybody in a table at once, and writes the table again with a link in each row.</summary>
internal static class InviteImportCommand
{
    private const int MaxFile = 20 * 1024 * 1024;

    public static ShoalCommand Build(CliHost host)
    {
        var file = new Argument<string>("FILE")
        {
            Description = "A table (CSV, UTF-8) whose first row names the columns; one must be called 'name'",
        };
        var output = Options.Text(
            "--output",
            "FILE",
            "Where to write the table with the links (default: NAME-links.csv beside it)",
            "-o"
        );
        var invite = new InviteOptions();
        var offline = new OfflineInviting(
            host,
            Options.Text(
                "--offline",
                "DIR",
                "Write a file that works without a hub for each row into this folder, and its passphrase into the table"
            )
        );
        var qr = Options.Text("--qr", "DIR", "Write a picture (PNG) with the QR code of each link into this folder");
        var json = Options.Flag("--json", "Print one JSON object a line");
        var command = new ShoalCommand("import", "Invite everybody in a table, or nobody when a row is not right")
        {
            Examples =
            [
                new("A link for each row", "shoal invite import people.csv"),
                new("A file for each, to be used without a hub", "shoal invite import people.csv --offline files/"),
                new(
                    "For a year's course, with QR codes to print",
                    "shoal invite import course.csv -o course-links.csv --expires 30d --qr codes/"
                ),
            ],
            Notes =
            [
                "Columns called 'role', 'expires' (like 7d) and 'uses' say for a row what the options say for all; other columns "
                    + "are kept. The file with the links is readable by you only; delete it when they are sent. Only the "
                    + "column 'name' and what an invitation allows goes to the hub.",
            ],
        };
        command.Add(file);
        var choice = new MembershipChoice(host, command);
        command.AddGroup("Options", [output, .. invite.All, offline.File, qr, .. choice.All, json]);
        command.AddGroup("Options with --offline", offline.OwnOfMany);
        command.SetAction(
            (result, cancel) =>
            {
                offline.Check(result, invite, result.GetValue(qr) is not null);
                var path = result.GetRequiredValue(file);
                var table = PeopleCsv.Read(path, ReadText(path));
                var target = result.GetValue(output) ?? Path.ChangeExtension(path, null) + "-links.csv";
                return choice.AskAsync(
                    result,
                    async (hub, membership) =>
                    {
                        if (offline.IsWanted(result))
                        {
                            await WriteFilesAsync(result, offline, hub, membership, invite, (table, target), cancel);
                            Show(host, table.People.Count, target, result.GetValue(json));
                            return ExitCode.Done;
                        }

                        var now = host.Time.GetUtcNow();
                        var made = table
                            .People.Select(person => invite.Make(result, membership, person.Name, now, person))
                            .ToList();
                        var links = made.Select(one => invite.TextOf(result, one.Link)).ToList();
                        // The secrets are nowhere else: they are on the disk before the hub knows of them.
                        var pending = Prepare(target, table, made, links);
                        try
                        {
                            await hub.CreateInvitationsAsync(
                                new NewInvitations([.. made.Select(one => one.Invitation)]),
                                cancel
                            );
                        }
                        catch (HubException)
                        {
                            // Whatever reached the hub is worth nothing: the secrets go with the file.
                            File.Delete(pending);
                            throw;
                        }

                        File.Move(pending, target, overwrite: true);
                        if (result.GetValue(qr) is { } folder)
                        {
                            WritePictures(folder, table, links);
                        }

                        Show(host, made.Count, target, result.GetValue(json));
                        return ExitCode.Done;
                    }
                );
            }
        );
        return command;
    }

    private static async Task WriteFilesAsync(
        ParseResult result,
        OfflineInviting offline,
        HubClient hub,
        LocalMembership membership,
        InviteOptions invite,
        (PeopleCsv Table, string Target) to,
        CancellationToken cancel
    )
    {
        var (table, target) = to;
        if (table.People.FirstOrDefault(person => person.Uses > 1) is { } several)
        {
            throw UserErrorException.Usage($"line {several.Line}: a file is for one; nobody was invited");
        }

        var made = await offline.WriteManyAsync(result, hub, membership, invite, table.People, cancel);
        var text = new StringBuilder(table.Write([.. table.Header, "member", "file", "passphrase"]));
        foreach (var (person, (member, path, passphrase)) in table.People.Zip(made))
        {
            text.Append(table.Write([.. person.Fields, member, path, passphrase]));
        }

        HubCalls.Write(target, () => PrivateFiles.Write(target, Encoding.UTF8.GetBytes(text.ToString())));
    }

    private static string ReadText(string file)
    {
        try
        {
            if (new FileInfo(file) is { Exists: true, Length: > MaxFile })
            {
                throw new UserErrorException("too-large", $"{file}: larger than {ByteSize.Format(MaxFile)}; split it");
            }

            return File.ReadAllText(file, Encoding.UTF8);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException("cannot-read", $"{file}: {TorrentFile.Reason(error)}");
        }
    }

    private static string Prepare(
        string target,
        PeopleCsv table,
        List<(NewInvitation Invitation, Membership.InvitationLink Link)> made,
        List<string> links
    )
    {
        var text = new StringBuilder(table.Write([.. table.Header, "invitation", "link"]));
        foreach (var (at, person) in table.People.Index())
        {
            text.Append(table.Write([.. person.Fields, made[at].Invitation.Id, links[at]]));
        }

        var pending = target + ".pending";
        try
        {
            PrivateFiles.Write(pending, Encoding.UTF8.GetBytes(text.ToString()));
            return pending;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException("cannot-write", $"{target}: {TorrentFile.Reason(error)}; nobody was invited");
        }
    }

    private static void WritePictures(string folder, PeopleCsv table, List<string> links)
    {
        PrivateFiles.CreateFolder(folder);
        using var generator = new QRCodeGenerator();
        foreach (var (at, person) in table.People.Index())
        {
            using var code = generator.CreateQrCode(links[at], QRCodeGenerator.ECCLevel.L);
            using var picture = new PngByteQRCode(code);
            var name = string.Create(CultureInfo.InvariantCulture, $"line-{person.Line:D5}.png");
            PrivateFiles.Write(Path.Combine(folder, name), picture.GetGraphic(4));
        }
    }

    private static void Show(CliHost host, int count, string target, bool json)
    {
        if (json)
        {
            JsonOutput.Write(host.Out, new ImportedLine(count, target), HubJsonOutput.Context.ImportedLine);
            return;
        }

        host.Out.WriteLine($"{TorrentText.Count(count, "invitation")} in {target}");
    }
}
