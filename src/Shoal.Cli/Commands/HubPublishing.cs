using System.CommandLine;
using System.Security.Cryptography;
using Shoal.Api;
using Shoal.Engine;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>The part of publish that is about hubs: signs an entry for the catalogue, and seeds to members.</summary>
internal sealed class HubPublishing
{
    private readonly CliHost _host;

    private readonly Option<string?> _hub = Options.Text(
        "--hub",
        "URL",
        "Publish to the members of this hub: https://HOST:PORT, HOST:PORT, or the publication's id"
    );

    private readonly Option<string?> _title = Options.Text(
        "--title",
        "TEXT",
        "What to call it in the catalogue (default: the name of the file or folder)"
    );

    private readonly Option<string?> _versionName = Options.Text(
        "--version-name",
        "TEXT",
        "What this version is called, such as 2026-11 (default: its number)"
    );

    private readonly Option<string?> _licence = Options.Text(
        "--licence",
        "TEXT",
        "Under which licence, best as SPDX writes it: CC-BY-4.0"
    );

    private readonly Option<string?> _citation = Options.Text("--citation", "TEXT", "How to cite it");

    private readonly PassphraseOption _passphrase = new("your key");

    private readonly Option<bool> _askReceipts = Options.Flag(
        "--ask-receipts",
        "Ask members for receipts of what they received; each decides for itself"
    );

    private readonly Option<bool> _superSeed = Options.SuperSeed();

    private readonly DaemonHandover _daemon;
    private readonly OwnHub _own;

    public HubPublishing(CliHost host, ShoalCommand command)
    {
        (_host, _daemon) = (host, new DaemonHandover(host));
        _own = new OwnHub(host, command);
        command.AddGroup("The daemon with --hub", [_daemon.Option]);
        command.AddGroup(
            "Options with --hub",
            [_hub, _title, _versionName, _licence, _citation, _askReceipts, _superSeed, _passphrase.Option]
        );
    }

    public bool IsWanted(ParseResult result) => result.GetValue(_hub) is not null || _own.IsWanted(result);

    /// <exception cref="UserErrorException">An option is given that means nothing without --hub.</exception>
    public void RefuseAlone(ParseResult result)
    {
        _own.RefuseAlone(result);
        Option<string?>[] others = [_title, _versionName, _licence, _citation, _passphrase.Option];
        if (others.FirstOrDefault(option => result.GetValue(option) is not null) is { } alone)
        {
            throw UserErrorException.Usage($"{alone.Name} goes with --hub");
        }

        Option<bool>[] flags = [_askReceipts, _superSeed];
        if (flags.FirstOrDefault(result.GetValue) is { } flag)
        {
            throw UserErrorException.Usage($"{flag.Name} goes with --hub");
        }

        if (_daemon.IsWanted(result))
        {
            throw UserErrorException.Usage($"{_daemon.Option.Name} goes with --hub");
        }
    }

    public async Task<int> RunAsync(
        NetworkOptions network,
        string path,
        bool once,
        bool json,
        ParseResult result,
        CancellationToken cancel
    )
    {
        _own.RefuseAlone(result);
        if (result.GetValue(_superSeed) && (once || _daemon.IsWanted(result)))
        {
            throw UserErrorException.Usage($"{_superSeed.Name} is for a publisher that seeds here");
        }

        var options = network.Engine(result, _host);
        await using var own = await StartOwnAsync(result, options, once, json, cancel);
        var choice = new MembershipChoice(_host, network, _hub, _passphrase) { Only = own?.Publication };
        using var membership = choice.LoadGood(result);
        var outbound = RunningEngine.Network(options);
        var peers = await network.PeersAsync(result, outbound, cancel);
        var settings = new CreationSettings { Format = TorrentFormat.Hybrid };
        CreatedTorrent torrent;
        using (var hashing = new HashingView(_host, isSilent: json))
        {
            torrent = await TorrentMaking.MakeAsync(path, settings, hashing, cancel);
        }

        var fields = await HubCalls.AsMemberAsync(
            membership,
            HubCalls.Connect(outbound),
            _host.Time,
            hub => PublishAsync(hub, membership, torrent, path, result, cancel),
            cancel
        );
        Show(fields, json);
        if (once)
        {
            return ExitCode.Done;
        }

        if (_daemon.IsWanted(result))
        {
            return await HandOverAsync(options.StateDirectory, membership, torrent, path, json, cancel);
        }

        using var view = TransferViews.For(_host, json);
        return await new MemberTransfer(_host, membership, outbound).RunAsync(
            options,
            new MemberTorrent(torrent.Metainfo.InfoHashes, torrent.Metainfo, torrent.Bytes),
            new TorrentOptions
            {
                SaveDirectory = FolderOf(path),
                AssumeComplete = true,
                IsSeedOnly = true,
                SuperSeeding = result.GetValue(_superSeed),
                NamedPeers = peers,
            },
            new LeaveRules { Stay = true },
            view,
            cancel
        );
    }

    /// <summary>The hub of this command; null: there is one elsewhere.</summary>
    private async Task<HubServer?> StartOwnAsync(
        ParseResult result,
        EngineOptions options,
        bool once,
        bool json,
        CancellationToken cancel
    )
    {
        if (!_own.IsWanted(result))
        {
            return null;
        }

        var other =
            result.GetValue(_hub) is not null ? "--hub"
            : once ? "--once"
            : _daemon.IsWanted(result) ? _daemon.Option.Name
            : null;
        if (other is not null)
        {
            throw UserErrorException.Usage($"--with-hub runs a hub as long as this command does: not with {other}");
        }

        return await _own.StartAsync(result, options, json, cancel);
    }

    /// <summary>It seeds from where the content lies. What was hashed just now is not hashed again.</summary>
    private async Task<int> HandOverAsync(
        string stateDirectory,
        LocalMembership membership,
        CreatedTorrent torrent,
        string path,
        bool json,
        CancellationToken cancel
    )
    {
        var wish = new AddTorrent
        {
            Publication = membership.Publication.ToString(),
            Metainfo = Convert.ToBase64String(torrent.Bytes.Span),
            SaveDirectory = FolderOf(path),
            SkipCheck = true,
        };
        try
        {
            return await _daemon.AddAsync(stateDirectory, wish, json, cancel);
        }
        catch (UserErrorException error) when (error.Code == "torrent-exists")
        {
            // Published again as it was.
            return ExitCode.Done;
        }
    }

    private static string FolderOf(string path) =>
        Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(CliPath.Full(path)))!;

    private async Task<CatalogueFields> PublishAsync(
        HubClient hub,
        LocalMembership membership,
        CreatedTorrent torrent,
        string path,
        ParseResult result,
        CancellationToken cancel
    )
    {
        var title = result.GetValue(_title) ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(CliPath.Full(path)));
        var known = CatalogueReading.Newest(
            await CatalogueReading.ListOrKeptAsync(
                hub,
                membership,
                why => _host.Error.WriteLine($"{SafeText.Of(why)}; what was published before goes on without the hub"),
                cancel
            )
        );
        var before = known.FirstOrDefault(one =>
            one.Entry.Publisher == membership.Grant.Member
            && string.Equals(one.Fields.Title, title, StringComparison.OrdinalIgnoreCase)
        );
        var infoHashes = torrent.Metainfo.InfoHashes;
        var draft = new CatalogueFields
        {
            Publication = membership.Publication,
            Id = before?.Fields.Id ?? new EntryId(RandomNumberGenerator.GetBytes(EntryId.Size)),
            Version = (before?.Fields.Version ?? 0) + 1,
            Title = title,
            VersionName = result.GetValue(_versionName) ?? "",
            Size = torrent.Metainfo.Size,
            Licence = result.GetValue(_licence) ?? before?.Fields.Licence ?? "",
            Citation = result.GetValue(_citation) ?? before?.Fields.Citation ?? "",
            InfoHashes = infoHashes,
            Torrent = new Sha256Digest(SHA256.HashData(torrent.Bytes.Span)),
            SignedAt = DateTimeOffset.FromUnixTimeSeconds(_host.Time.GetUtcNow().ToUnixTimeSeconds()),
            AsksForReceipts = result.GetValue(_askReceipts) || before is { Fields.AsksForReceipts: true },
        };
        // The same content again, to go on seeding: the entry is there.
        if (before is not null && before.Fields.InfoHashes == infoHashes && !SaysMore(result, before.Fields))
        {
            membership.Keep(new OfflineEntry(before.Entry.Encoded, torrent.Bytes));
            return before.Fields;
        }

        if (CatalogueEntry.WhatIsWrong(draft) is { } wrong)
        {
            throw UserErrorException.Usage(wrong);
        }

        var entry = CatalogueEntry.Sign(draft, membership.Identity, membership.Certificate.Span);
        await hub.PublishAsync(new PublishRequest(entry, torrent.Bytes.ToArray()), cancel);
        membership.Keep(new OfflineEntry(entry, torrent.Bytes));
        return draft;
    }

    private bool SaysMore(ParseResult result, CatalogueFields before) =>
        (result.GetValue(_askReceipts) && !before.AsksForReceipts)
        || result.GetValue(_versionName) is not null
        || result.GetValue(_licence) is not null
        || result.GetValue(_citation) is not null;

    private void Show(CatalogueFields fields, bool json)
    {
        if (json)
        {
            JsonOutput.Write(
                _host.Out,
                new EntryPublishedLine(
                    fields.Id.ToString(),
                    fields.Version,
                    fields.Title,
                    fields.Size,
                    fields.InfoHashes.V1?.ToString(),
                    fields.InfoHashes.V2?.ToString()
                ),
                HubJsonOutput.Context.EntryPublishedLine
            );
            return;
        }

        _host.Out.WriteLine(
            $"Published '{SafeText.Of(fields.Title)}', version {fields.Version}, to the members of the hub"
        );
        _host.Out.Flush();
    }
}
