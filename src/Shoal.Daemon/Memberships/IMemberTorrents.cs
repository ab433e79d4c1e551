using System.Net;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>What the library needs to know of publications whose torrents it has.</summary>
internal interface IMemberTorrents
{
    /// <summary>What the engine needs before it may have a torrent of the publication.</summary>
    /// <exception cref="IOException">The torrent cannot be opened now; the message says why.</exception>
    PublicationMembership Find(string publication);

    /// <summary>Members to call first, that an invitation named. HOST:PORT each.</summary>
    IReadOnlyList<DnsEndPoint> PeersOf(string publication);

    /// <summary>The engine has it now.</summary>
    void Opened(string publication, Torrent torrent);

    /// <summary>The engine is about to let go of it.</summary>
    Task ClosingAsync(string publication, Torrent torrent);

    /// <summary>Members say that we are none any more.</summary>
    void HeardRevoked(string publication);
}
