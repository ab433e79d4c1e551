using Shoal.Members;

namespace Shoal.Cli;

/// <summary>Shows entries of a catalogue.</summary>
internal static class CatalogueView
{
    public static void Show(CliHost host, KnownEntry one, bool json)
    {
        var (fields, item) = (one.Fields, one.Item);
        if (json)
        {
            JsonOutput.Write(
                host.Out,
                new EntryLine(
                    fields.Id.ToString(),
                    fields.Version,
                    fields.VersionName,
                    fields.Title,
                    fields.Size,
                    fields.Licence,
                    fields.Citation,
                    fields.InfoHashes.V1?.ToString(),
                    fields.InfoHashes.V2?.ToString(),
                    one.Entry.Publisher.ToString(),
                    item.Published,
                    item.Complete,
                    item.Incomplete
                ),
                HubJsonOutput.Context.EntryLine
            );
            return;
        }

        var version = fields.VersionName.Length > 0 ? SafeText.Of(fields.VersionName) : $"version {fields.Version}";
        host.Out.WriteLine($"{SafeText.Of(fields.Title)}  ({version}, {ByteSize.Format(fields.Size)})");
        host.Out.WriteLine(
            $"  id {fields.Id}, {TorrentText.Count(item.Complete, "complete copy", "complete copies")}, "
                + $"{item.Incomplete} on the way, published {InviteOptions.DateOf(item.Published)}"
        );
        if (fields.Licence.Length > 0)
        {
            host.Out.WriteLine($"  licence: {SafeText.Of(fields.Licence)}");
        }

        if (fields.Citation.Length > 0)
        {
            host.Out.WriteLine($"  cite as: {SafeText.Of(fields.Citation)}");
        }
    }
}
