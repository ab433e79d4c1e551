using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Shoal.Daemon;

internal enum StreamKeyVerdict
{
    Good,

    /// <summary>It was good once.</summary>
    Expired,

    /// <summary>Nobody was ever given it for this torrent.</summary>
    Wrong,
}

/// <summary>
/// Keys in links for players, which know no tokens: each opens the files of one torrent for some hours. They are signed, not
/// stored; the secret is made anew at each start, so nothing on disk could be stolen, and links end with the daemon. A key
/// ends with the token or login that made it, too.
/// </summary>
internal sealed class StreamKeys(AccessKeys access, TimeProvider time)
{
    /// <summary>Made by who came over the socket.</summary>
    private const string Owner = "owner";

    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(32);

    /// <param name="torrent">The id.</param>
    /// <param name="token">Who asks, by the id of its token; null: the owner.</param>
    public (string Key, long ExpiresAt) Create(string torrent, string? token)
    {
        var expires = (time.GetUtcNow() + StreamLimits.LinkTime).ToUnixTimeSeconds();
        var said = Say(expires, token ?? Owner);
        return ($"{said}.{Sign(torrent, said)}", expires);
    }

    /// <summary>Whose token or login made a key that is good, by its id; "owner": it came over the socket.</summary>
    public static string MakerOf(string key) => key.Split('.')[1];

    public StreamKeyVerdict Check(string key, string torrent)
    {
        var dot = key.LastIndexOf('.');
        if (dot < 0 || key.Length > 200)
        {
            return StreamKeyVerdict.Wrong;
        }

        var said = key[..dot];
        if (
            !CryptographicOperations.FixedTimeEquals(
                Encoding.UTF8.GetBytes(key[(dot + 1)..]),
                Encoding.UTF8.GetBytes(Sign(torrent, said))
            )
        )
        {
            return StreamKeyVerdict.Wrong;
        }

        // What is signed is as we wrote it.
        var parts = said.Split('.');
        var expires = long.Parse(parts[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var isThere = parts[1] == Owner || access.Has(parts[1]);
        return isThere && time.GetUtcNow().ToUnixTimeSeconds() < expires
            ? StreamKeyVerdict.Good
            : StreamKeyVerdict.Expired;
    }

    private static string Say(long expires, string token) =>
        string.Create(CultureInfo.InvariantCulture, $"{expires:x}.{token}");

    private string Sign(string torrent, string said)
    {
        var mac = HMACSHA256.HashData(_secret, Encoding.UTF8.GetBytes($"stream\n{torrent}\n{said}"));
        return System.Buffers.Text.Base64Url.EncodeToString(mac);
    }
}
