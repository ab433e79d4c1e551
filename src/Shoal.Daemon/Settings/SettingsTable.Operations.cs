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
                Unit = "bytes; 0: none",
                NeedsRestart = false,
            },
            new(
                "http.public-url",
                SettingKind.Text,
                "",
                "Where a reverse proxy shows the daemon, with the path if it is not alone there: https://nas.home/shoal (docs/service.md). Links and cookies are made for it, and its host needs no entry in http.hosts. Empty: no proxy."
            )
            {
                NeedsRestart = false,
                Check = PublicUrl,
            },
            new(
                "http.trusted-proxies",
                SettingKind.List,
                Array.Empty<string>(),
                "Addresses and networks, such as 127.0.0.1 or 10.0.0.0/24, of reverse proxies whose word (X-Forwarded-For, -Proto, -Host, -Prefix) on who calls is believed; of others it is not."
            )
            {
                NeedsRestart = false,
                Check = ProxyAddress,
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

    private static string? PublicUrl(string text) =>
        text.Length == 0 || PublicSite.TryParse(text) is not null
            ? null
            : $"'{text}' is not an http or https URL such as https://nas.home/shoal";

    private static string? ProxyAddress(string text) =>
        ForwardedRequest.Parse(text) is null
            ? $"'{text}' is neither an address nor a network such as 10.0.0.0/24"
            : null;
}
