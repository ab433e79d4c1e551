using System.CommandLine;
using System.Globalization;
using Shoal.Hub;
using Shoal.Members;

namespace Shoal.Cli;

/// <summary>Becomes a member by a file that needs no hub.</summary>
/// <param name="host">Where the command runs.</param>
/// <param name="passphrase">Of the file.</param>
/// <param name="protect">Whether the key shall stay under it.</param>
internal sealed class OfflineJoining(CliHost host, PassphraseOption passphrase, Option<bool> protect)
{
    /// <exception cref="LocalMembershipException">It is not good, or not for now; or it cannot be opened or kept.</exception>
    public Task<LocalMembership> JoinAsync(
        ParseResult result,
        string file,
        byte[] bytes,
        string stateDirectory,
        HubConnect connect,
        CancellationToken cancel
    )
    {
        var seal = KeyProtection.Of(passphrase.Read(result, host, $"Passphrase of {Path.GetFileName(file)}: "));
        var joining = new FileJoining(connect, host.Time)
        {
            // Somebody who sits there knows which; else it is the file's, since that is what --protect keeps.
            Ask = () =>
                host.IsInputTerminal
                    ? KeyProtection.Of(SecretInput.ReadHidden(host, "Passphrase of your key: "))
                    : seal,
            Replaced = (message, until) =>
                host.Error.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{message}; here it works until {until:yyyy-MM-dd}, if nobody takes it back"
                    )
                ),
        };
        var invitation = joining.Open(file, bytes, seal);
        return joining.JoinAsync(invitation, result.GetValue(protect) ? seal : null, stateDirectory, cancel);
    }
}
