using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Shoal.Files;
using Shoal.Membership;

namespace Shoal.Hub;

// How keys lie on this machine: as they are or under a passphrase, and never two for one certificate.
public sealed partial class LocalMembership
{
    /// <summary>
    /// The key to join with: made once, and the same again after a failure, so that a request that came twice is one use of
    /// the invitation.
    /// </summary>
    /// <param name="folder">Of the membership to be.</param>
    /// <param name="invitation">That is redeemed.</param>
    /// <param name="ask">For the passphrase of a key that lies under one.</param>
    /// <param name="protection">What the key shall lie under; null: nothing. Set when it is found to.</param>
    /// <exception cref="LocalMembershipException">It cannot be read or written.</exception>
    public static MemberIdentity PrepareKey(
        string folder,
        InvitationId invitation,
        Func<KeyProtection>? ask,
        ref KeyProtection? protection
    )
    {
        var under = protection;
        var identity = Guarded(
            folder,
            () =>
            {
                CreateFolders(folder);
                return MakeKey(Path.Combine(folder, $"joining-{invitation}.key"), ask, ref under);
            }
        );
        protection = under;
        return identity;
    }

    /// <summary>
    /// Puts the key under a passphrase, or (null) takes it from under one. What lay there before may be found on the disk by
    /// who can read it raw.
    /// </summary>
    /// <exception cref="LocalMembershipException">It cannot be written.</exception>
    public void Protect(KeyProtection? protection) =>
        Guarded(
            Folder,
            () =>
            {
                var next = Path.Combine(Folder, NextKeyFile);
                if (File.Exists(next))
                {
                    var ours = _protection;
                    using var identity = ReadKey(next, null, ref ours);
                    Write(NextKeyFile, Closed(identity, protection));
                }

                _protection = protection;
                return Write(KeyFile, Closed(Identity, protection));
            }
        );

    /// <summary>A key of our own in place of the one that was given; the same again after a failure.</summary>
    /// <exception cref="LocalMembershipException">It cannot be read or written.</exception>
    public MemberIdentity PrepareNextKey() =>
        Guarded(
            Folder,
            () =>
            {
                var ours = _protection;
                return MakeKey(Path.Combine(Folder, NextKeyFile), null, ref ours);
            }
        );

    /// <summary>Takes what another program of ours has put into the folder since: a newer certificate, and the key that it is for.</summary>
    /// <returns>There was one.</returns>
    /// <exception cref="LocalMembershipException">It cannot be read, or lies under a passphrase that we were not told.</exception>
    public bool TryRefresh() =>
        Guarded(
            Folder,
            () =>
            {
                if (!IsIn(Folder))
                {
                    return false;
                }

                var certificate = ReadFile(Folder, CertificateFile);
                var grant = ReadGrant(Authority, certificate);
                if (certificate.AsSpan().SequenceEqual(Certificate.Span) || grant.Member != Grant.Member)
                {
                    return false;
                }

                var identity = FindKey(Folder, certificate, null, ref _protection);
                using var read = X509CertificateLoader.LoadCertificate(certificate);
                if (!identity.PublicKey.Span.SequenceEqual(read.PublicKey.ExportSubjectPublicKeyInfo()))
                {
                    // In the middle of being written.
                    identity.Dispose();
                    return false;
                }

                Identity.Dispose();
                (Identity, Certificate, Grant) = (identity, certificate, grant);
                return true;
            }
        );

    /// <summary>The key of our certificate.</summary>
    private static MemberIdentity FindKey(
        string folder,
        byte[] certificate,
        Func<KeyProtection>? ask,
        ref KeyProtection? protection
    )
    {
        var file = Path.Combine(folder, KeyFile);
        if (!File.Exists(file))
        {
            throw new LocalMembershipException(
                "key-lost",
                $"{file} is missing, and the certificate is worth nothing without its key: ask whoever invited you for a new "
                    + "invitation, and 'shoal join' it"
            );
        }

        using var read = X509CertificateLoader.LoadCertificate(certificate);
        var publicKey = read.PublicKey.ExportSubjectPublicKeyInfo();
        var identity = ReadKey(file, ask, ref protection);
        var next = Path.Combine(folder, NextKeyFile);
        if (!identity.PublicKey.Span.SequenceEqual(publicKey) && File.Exists(next))
        {
            identity.Dispose();
            identity = ReadKey(next, ask, ref protection);
            File.Move(next, file, overwrite: true);
            File.Delete(Path.Combine(folder, GivenFile));
        }

        return identity;
    }

    private static MemberIdentity ReadKey(string file, Func<KeyProtection>? ask, ref KeyProtection? protection)
    {
        var bytes = PrivateFiles.Read(file, MaxFile);
        if (PassphraseSeal.IsSealed(bytes))
        {
            protection ??=
                ask?.Invoke()
                ?? throw new LocalMembershipException("passphrase-needed", $"{file}: the key lies under a passphrase");
            bytes = protection.Open(bytes, file);
        }

        var identity = MemberIdentity.Load(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return identity;
    }

    /// <summary>The key in the file; made when there is none, under what all shall lie under.</summary>
    private static MemberIdentity MakeKey(string file, Func<KeyProtection>? ask, ref KeyProtection? protection)
    {
        if (File.Exists(file))
        {
            return ReadKey(file, ask, ref protection);
        }

        var identity = MemberIdentity.Create();
        PrivateFiles.Write(file, Closed(identity, protection).Span);
        return identity;
    }

    private static ReadOnlyMemory<byte> Closed(MemberIdentity identity, KeyProtection? protection)
    {
        var key = identity.Export();
        return protection?.Close(key) ?? key;
    }

    private bool FinishKey()
    {
        File.Move(Path.Combine(Folder, NextKeyFile), Path.Combine(Folder, KeyFile), overwrite: true);
        File.Delete(Path.Combine(Folder, GivenFile));
        return true;
    }
}
