using System.CommandLine;
using System.Text;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>Which key signs, and under which salt: the options of everything that publishes.</summary>
internal sealed class PublicationKeys
{
    public const string DefaultName = "default";

    private readonly Option<string?> _key;

    private readonly Option<string?> _salt = Options.Text(
        "--salt",
        "TEXT",
        "Tells several links of one key apart; up to 64 bytes, part of the link (default: none)"
    );

    private readonly Option<bool> _protect = Options.Flag(
        "--protect-key",
        "Put the key under a passphrase, whether it is made now or was there: it is asked for from then on"
    );

    private readonly PassphraseOption _passphrase = new("the key that signs", "--key-passphrase");

    /// <param name="option">The name of the option that names the key.</param>
    /// <param name="description">What it does there.</param>
    public PublicationKeys(string option, string description) => _key = Options.Text(option, "KEY", description);

    public IEnumerable<Option> All => [_key, _salt, _protect, _passphrase.Option];

    /// <summary>Whether the user named a key.</summary>
    public bool IsNamed(ParseResult result) => result.GetValue(_key) is not null;

    /// <exception cref="UserErrorException">It is longer than a salt may be, or given without a key.</exception>
    public byte[] Salt(ParseResult result, bool needsKey)
    {
        var salt = Encoding.UTF8.GetBytes(result.GetValue(_salt) ?? "");
        return salt.Length > PublicationName.MaxSalt
                ? throw UserErrorException.Usage($"--salt: at most {PublicationName.MaxSalt} bytes, not {salt.Length}")
            : needsKey && !IsNamed(result) && Lonely(result, salt) is { } lonely
                ? throw UserErrorException.Usage($"{lonely} goes with {_key.Name}")
            : salt;
    }

    private string? Lonely(ParseResult result, byte[] salt) =>
        salt.Length > 0 ? _salt.Name
        : result.GetValue(_protect) ? _protect.Name
        : _passphrase.IsGiven(result) ? _passphrase.Option.Name
        : null;

    /// <summary>The key, made when there is none of that name.</summary>
    /// <param name="result">What was typed.</param>
    /// <param name="host">Asks for its passphrase.</param>
    /// <param name="stateDirectory">Keys that are named, not given as a path, live there.</param>
    /// <exception cref="UserErrorException">It cannot be had.</exception>
    public SigningKey Load(ParseResult result, CliHost host, string stateDirectory)
    {
        var name = result.GetValue(_key) ?? DefaultName;
        var isPath = name.Contains('/') || name.Contains(Path.DirectorySeparatorChar);
        if (!isPath && (name.Length is 0 or > 64 || !name.All(IsPlain) || name.StartsWith('.')))
        {
            throw UserErrorException.Usage(
                $"{_key.Name}: '{name}' is neither a name (letters, digits, '-', '_', '.') nor the path of a key file"
            );
        }

        var file = isPath ? CliPath.Full(name) : Path.Combine(stateDirectory, "keys", name + ".key");
        try
        {
            return SigningKey.LoadOrCreate(
                file,
                new KeyPassphrase
                {
                    Ask = () => _passphrase.Read(result, host, "Passphrase of the key: "),
                    Protect = result.GetValue(_protect) ? () => _passphrase.ReadNew(result, host) : null,
                }
            );
        }
        catch (PublicationException error)
        {
            throw new UserErrorException(error.Code, error.Message);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException("key-unusable", $"{file}: {TorrentFile.Reason(error)}");
        }
    }

    private static bool IsPlain(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.';
}
