namespace Shoal.Daemon;

// For those who run daemons.
internal static partial class SettingsTable
{
    private static IReadOnlyList<SettingDefinition> Operations =>
        [
            new(
                "folders.min-free",
                SettingKind.Integer,
                256L * 1024 * 1024,
                "Bytes that are to stay free where content is downloaded to: downloads wait before there are fewer, and go on when half as much again is free; 0: they go on until the disk is full."
            )
            {
                NeedsRestart = false,
            },
            new(
                "http.tls",
                SettingKind.Text,
                "off",
                "How HTTP is encrypted: off, self-signed (a certificate that the daemon makes, and browsers ask about once) or files (http.certificate and http.key)."
            )
            {
                Words = ["off", "self-signed", "files"],
            },
            new(
                "http.certificate",
                SettingKind.Text,
                "",
                "A file with the certificate, and those above it, as PEM; full path."
            )
            {
                Check = FullPath,
            },
            new(
                "http.key",
                SettingKind.Text,
                "",
                "A file with the private key of http.certificate, as PEM; full path. Empty: it is in the same file."
            )
            {
                Check = FullPath,
            },
        ];
}
