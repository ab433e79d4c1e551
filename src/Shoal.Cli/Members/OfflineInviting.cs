using System.CommandLine;
using System.Security.Cryptography;
using Shoal.Files;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>Makes memberships in files: certificate, key, and what can be fetched from whom, under a passphrase.</summary>
/// <param name="host">Where the command runs.</param>
/// <param name="file">The option that asks for it.</param>
internal sealed class OfflineInviting(CliHost host, Option<string?> file)
{
    /// <summary>Torrents beyond are left to the members: whoever opens the file asks them for it.</summary>
    private const int MaxTorrents = 4 * 1024 * 1024;

    /// <summary>The same for each of many files.</summary>
    private const int MaxTorrentsOfMany = 64 * 1024;

    /// <summary>Each file is synced; a disk that is waited for by many at once syncs them together.</summary>
    private const int WritesAtOnce = 32;

    private readonly Option<string[]> _peers = Options.Texts(
        "--peer",
        "HOST:PORT",
        "A member to fetch from; those that the hub knows now stand in the file too"
    );

    private readonly Option<string[]> _entries = Options.Texts(
        "--entry",
        "ENTRY",
        "What of the catalogue stands in the file, by title or id (default: everything in its newest version)"
    );

    private readonly Option<string?> _passphrase = Options.Text(
        "--file-passphrase",
        "FILE",
        "Put it under the passphrase in this file ('-': the standard input), not under one that is made and printed"
    );

    public Option<string?> File => file;

    /// <summary>Options that mean something for files only.</summary>
    public IEnumerable<Option> Own => [_peers, _entries, _passphrase];

    /// <summary>Those of many files at once, which have each their own passphrase.</summary>
    public IEnumerable<Option> OwnOfMany => [_peers, _entries];

    public bool IsWanted(ParseResult result) => result.GetValue(file) is not null;

    /// <exception cref="UserErrorException">Options do not go together.</exception>
    public void Check(ParseResult result, InviteOptions invite, bool wantsCode)
    {
        if (IsWanted(result))
        {
            if ((wantsCode ? "--qr" : invite.OnlyForLinks(result)?.Name) is { } vain)
            {
                throw UserErrorException.Usage($"{vain} goes with a link, not with {file.Name}");
            }

            foreach (var peer in result.GetValue(_peers) ?? [])
            {
                if (!EndPointText.TrySplit(peer, anyPort: false, out _, out _))
                {
                    throw UserErrorException.Usage($"--peer: '{peer}' is not HOST:PORT");
                }
            }
        }
        else if (
            result.GetValue(_peers) is { Length: > 0 }
            || result.GetValue(_entries) is { Length: > 0 }
            || result.GetValue(_passphrase) is not null
        )
        {
            throw UserErrorException.Usage($"--peer, --entry and --file-passphrase go with {file.Name}");
        }
    }

    /// <summary>One file; prints its passphrase if it made one.</summary>
    public async Task WriteOneAsync(
        ParseResult result,
        HubClient hub,
        LocalMembership membership,
        InviteOptions invite,
        string name,
        bool json,
        CancellationToken cancel
    )
    {
        var target = result.GetValue(file)!;
        var given = result.GetValue(_passphrase) is { } path
            ? PassphraseOption.ReadFile(_passphrase.Name, path, host)
            : null;
        var seal = Seal();
        using var identity = MemberIdentity.Create();
        var member = invite.MakeMember(result, identity, name, host.Time.GetUtcNow());
        var frame = await FrameAsync(result, hub, membership, MaxTorrents, cancel);
        var issued = await hub.IssueAsync(new NewMembers([member]), cancel);
        var certificate = CertificateAt(issued, 0, 1);
        var grant = GrantOf(membership, certificate);
        var secret = frame(identity, certificate);
        var random = RandomNumberGenerator.GetBytes(PassphraseSeal.RandomSize);
        var passphrase = given ?? Draw();
        Write(
            target,
            given is null ? seal.SealUnderDrawn(secret, passphrase, random) : seal.Seal(secret, given, random)
        );
        if (json)
        {
            JsonOutput.Write(
                host.Out,
                new InvitedOfflineLine(
                    grant.Member.ToString(),
                    name,
                    RoleNames.Of(grant.Role),
                    grant.NotAfter.ToUnixTimeSeconds(),
                    target,
                    given is null ? passphrase : null
                ),
                HubJsonOutput.Context.InvitedOfflineLine
            );
            return;
        }

        host.Out.WriteLine(
            $"{SafeText.Of(target)}: member {grant.Member}, good until {InviteOptions.DateOf(member.NotAfter)}"
        );
        if (given is null)
        {
            host.Out.WriteLine($"Passphrase: {passphrase}");
        }
    }

    /// <summary>A file for each person, in a folder; returns member, path and passphrase of each.</summary>
    public async Task<IReadOnlyList<(string Member, string File, string Passphrase)>> WriteManyAsync(
        ParseResult result,
        HubClient hub,
        LocalMembership membership,
        InviteOptions invite,
        IReadOnlyList<Person> people,
        CancellationToken cancel
    )
    {
        var folder = result.GetValue(file)!;
        var seal = Seal();
        HubCalls.Write(folder, () => PrivateFiles.CreateFolder(folder));
        var now = host.Time.GetUtcNow();
        var identities = people.AsParallel().AsOrdered().Select(_ => MemberIdentity.Create()).ToList();
        try
        {
            var members = people
                .Index()
                .AsParallel()
                .AsOrdered()
                .Select(one => invite.MakeMember(result, identities[one.Index], one.Item.Name, now, one.Item));
            var request = new NewMembers([.. members]);
            var frame = await FrameAsync(result, hub, membership, MaxTorrentsOfMany, cancel);
            var issued = await hub.IssueAsync(request, cancel);
            var made = new (string Member, string File, string Passphrase)[people.Count];
            await Parallel.ForAsync(
                0,
                people.Count,
                new ParallelOptions { MaxDegreeOfParallelism = WritesAtOnce, CancellationToken = cancel },
                (at, _) =>
                {
                    var certificate = CertificateAt(issued, at, people.Count);
                    var passphrase = Draw();
                    var random = RandomNumberGenerator.GetBytes(PassphraseSeal.RandomSize);
                    var name = FormattableString.Invariant($"line-{people[at].Line:D5}.invitation");
                    var path = Path.Combine(folder, name);
                    Write(path, seal.SealUnderDrawn(frame(identities[at], certificate), passphrase, random));
                    made[at] = (GrantOf(membership, certificate).Member.ToString(), path, passphrase);
                    return ValueTask.CompletedTask;
                }
            );
            return made;
        }
        finally
        {
            identities.ForEach(identity => identity.Dispose());
        }
    }

    /// <summary>What is the same for everybody, asked for once; what is made of it differs by key and certificate.</summary>
    private async Task<Func<MemberIdentity, byte[], byte[]>> FrameAsync(
        ParseResult result,
        HubClient hub,
        LocalMembership membership,
        int maxTorrents,
        CancellationToken cancel
    )
    {
        var known = membership.Revocations?.Version ?? 0;
        if ((await hub.WaitForRevocationsAsync(known, TimeSpan.Zero, cancel)).List is { } list)
        {
            membership.TryTakeRevocations(list, out _);
        }

        var newest = CatalogueReading.Newest(await CatalogueReading.ListAsync(hub, membership, cancel));
        var wanted = result.GetValue(_entries) is { Length: > 0 } names
            ? names.Select(name => CatalogueReading.Choose(newest, name)).Distinct().ToList()
            : newest.Take(OfflineContent.MaxEntries).ToList();
        var entries = new List<OfflineEntry>();
        var peers = new List<string>(result.GetValue(_peers) ?? []);
        var room = maxTorrents;
        foreach (var one in wanted)
        {
            var torrent = (await CatalogueReading.ReadTorrentAsync(hub, one, cancel)).Bytes;
            torrent = torrent.Length <= room ? torrent : default;
            room -= torrent.Length;
            entries.Add(new OfflineEntry(one.Entry.Encoded, torrent));
            peers.AddRange((await hub.ListPeersAsync(one.Fields.Id, one.Fields.Version, cancel)).Peers);
        }

        var content = new OfflineContent
        {
            Entries = entries,
            Peers = [.. peers.Distinct().Take(OfflineContent.MaxPeers)],
        };
        return (identity, certificate) =>
            new OfflineInvitation
            {
                Authority = membership.Authority,
                PublicationKey = membership.PublicationKey,
                Key = identity.Export(),
                Certificate = certificate,
                Revocations = membership.Revocations?.Encoded ?? default,
                Hub = membership.Hub.ToString(),
                Content = content,
            }.Write();
    }

    private static MemberGrant GrantOf(LocalMembership membership, byte[] certificate)
    {
        var verdict = new MembershipVerifier(membership.Authority).Verify(
            certificate,
            null,
            MembershipVerifier.BeginOf(certificate)
        );
        return verdict.IsOk
            ? verdict.Grant
            : throw new UserErrorException(
                "bad-answer",
                $"the certificate that the hub issued is not good ({verdict.Fault})"
            );
    }

    private static byte[] CertificateAt(IssuedCertificates issued, int at, int expected) =>
        issued.Certificates.Count == expected
            ? issued.Certificates[at]
            : throw new UserErrorException(
                "bad-answer",
                "the hub issued another number of certificates than were asked for"
            );

    private static string Draw() =>
        PassphraseSeal.DrawPassphrase(RandomNumberGenerator.GetBytes(PassphraseSeal.DrawSize));

    private static PassphraseSeal Seal() =>
        PassphraseSeal.TryLoad()
        ?? throw new UserErrorException(
            "no-libsodium",
            "passphrases need libsodium, which is not there (Debian: apt install libsodium23)"
        );

    private static void Write(string path, byte[] bytes) => HubCalls.Write(path, () => PrivateFiles.Write(path, bytes));
}
