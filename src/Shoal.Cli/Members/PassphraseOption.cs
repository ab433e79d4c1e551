using System.CommandLine;
using System.Text;
using Shoal.Files;
using Shoal.Hub;

namespace Shoal.Cli;

/// <summary>Where passphrases come from: a file, or whoever sits at the terminal; never the command line.</summary>
internal sealed class PassphraseOption
{
    private const int MaxLength = 1024;

    /// <param name="of">What it opens, in the middle of a sentence.</param>
    /// <param name="name">Of the option, where a command has several.</param>
    public PassphraseOption(string of, string name = "--passphrase-file") =>
        Option = Options.Text(
            name,
            "FILE",
            $"Read the passphrase of {of} from this file ('-': the standard input) instead of asking for it"
        );

    /// <summary>The command adds it to a group of its help.</summary>
    public Option<string?> Option { get; }

    public bool IsGiven(ParseResult result) => result.GetValue(Option) is not null;

    /// <summary>The passphrase of something that is there.</summary>
    /// <exception cref="UserErrorException">Nobody can be asked, or it cannot be read.</exception>
    public string Read(ParseResult result, CliHost host, string prompt) =>
        result.GetValue(Option) is { } file ? ReadFile(Option.Name, file, host)
        : host.IsInputTerminal ? SecretInput.ReadHidden(host, prompt)
        : throw UserErrorException.Usage($"a passphrase is needed: {Option.Name} FILE, or '-' for the standard input");

    /// <summary>A new one: who types it types it twice.</summary>
    /// <exception cref="UserErrorException">As <see cref="Read"/>; or the two differ.</exception>
    public string ReadNew(ParseResult result, CliHost host)
    {
        var first = Read(result, host, "New passphrase: ");
        return IsGiven(result) || SecretInput.ReadHidden(host, "Once more: ") == first
            ? first
            : throw UserErrorException.Usage("the two passphrases differ");
    }

    /// <summary>Opens keys of memberships, if it has to.</summary>
    public Func<KeyProtection> Asking(ParseResult result, CliHost host) =>
        () => KeyProtection.Of(Read(result, host, "Passphrase of your key: "));

    /// <summary>The passphrase in a file that only its owner can read; "-": of the standard input.</summary>
    /// <param name="option">Its name, for messages.</param>
    /// <param name="file">What it says.</param>
    /// <param name="host">Has the standard input.</param>
    /// <exception cref="UserErrorException">It cannot be read.</exception>
    public static string ReadFile(string option, string file, CliHost host)
    {
        if (file == "-")
        {
            return SecretInput.ReadLine(host, "");
        }

        try
        {
            // One line; what an editor puts behind it is no part of it.
            var text = Encoding.UTF8.GetString(PrivateFiles.Read(file, MaxLength)).TrimEnd('\r', '\n');
            return text.Length > 0 ? text : throw UserErrorException.Usage($"{option}: {file} is empty");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException("cannot-read", $"{option} {file}: {TorrentFile.Reason(error)}");
        }
    }
}
