using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Shoal.Cli;

/// <summary>What an SSL torrent asks of who takes part in it: a certificate and its key, both in PEM.</summary>
internal sealed class SslTorrentOptions
{
    private readonly Option<string?> _certificate = Options.Text(
        "--certificate",
        "FILE",
        "For SSL torrents: a certificate that the torrent's own has signed, in PEM"
    );

    private readonly Option<string?> _key = Options.Text("--key", "FILE", "The private key of --certificate, in PEM");

    public IReadOnlyList<Option> All => [_certificate, _key];

    /// <summary>Null: none was named.</summary>
    /// <exception cref="UserErrorException">The files are not what they should be.</exception>
    public X509Certificate2? Read(ParseResult result)
    {
        var (certificate, key) = (result.GetValue(_certificate), result.GetValue(_key));
        if (certificate is null && key is null)
        {
            return null;
        }

        if (certificate is null || key is null)
        {
            throw UserErrorException.Usage("--certificate and --key go together");
        }

        try
        {
            return X509Certificate2.CreateFromPemFile(certificate, key);
        }
        catch (Exception exception)
            when (exception is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(
                "bad-certificate",
                $"{certificate} and {key} are no certificate and its key: {exception.Message}"
            );
        }
    }
}
