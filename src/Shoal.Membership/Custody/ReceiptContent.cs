using Shoal.Protocol;

namespace Shoal.Membership;

/// <summary>What a receipt or a challenge is about: one version of something in a publication's catalogue.</summary>
/// <param name="Publication">Of whose members.</param>
/// <param name="Entry">Through all its versions.</param>
/// <param name="Version">From 1.</param>
/// <param name="Torrent">SHA-256 of the .torrent, as the entry has it: a version that was withdrawn and comes again with other content is
/// another one.</param>
public readonly record struct ReceiptContent(
    PublicationId Publication,
    EntryId Entry,
    long Version,
    Sha256Digest Torrent
)
{
    /// <summary>What an entry of the catalogue is about.</summary>
    public static ReceiptContent Of(CatalogueFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        return new ReceiptContent(fields.Publication, fields.Id, fields.Version, fields.Torrent);
    }
}
