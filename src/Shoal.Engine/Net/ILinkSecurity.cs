using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>A connection on which both ends have proven who they are, or else why there is none.</summary>
/// <param name="Transport">Null: it failed. Its next byte is the first of the handshake of BEP 3.</param>
/// <param name="Member">Null: the proof names nobody (SSL torrents).</param>
/// <param name="Failure">Why.</param>
internal readonly record struct SecureOutcome(
    ITransport? Transport,
    ProvenMember? Member = null,
    DisconnectReason Failure = default
);

/// <summary>
/// What stands between connecting and the handshake of BEP 3 for torrents that are not for everybody. May close the
/// transport when it fails; throws only what the network throws. Any thread.
/// </summary>
internal interface ILinkSecurity
{
    /// <summary>Our side called.</summary>
    Task<SecureOutcome> CallAsync(ITransport transport);

    /// <summary>The peer called, and its first bytes name this.</summary>
    /// <param name="transport">With everything that the peer sent so far.</param>
    Task<SecureOutcome> AnswerAsync(ITransport transport);

    /// <summary>The torrent of that name, of those that such a peer may know of; null: none.</summary>
    ILinkHost? Find(InfoHash name);
}
