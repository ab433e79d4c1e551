namespace Shoal.Engine;

/// <summary>Places for newcomers, before they say that they want something.</summary>
/// <remarks>
/// Who may ask already asks as soon as it knows what we have: that is a round trip less, and more with clients that do each step at a
/// timer. Transmission 3.00 says one or two seconds after it found something that it is interested, and asks a second after it was
/// unchoked; both at once and without delay where it may ask before. BEP 3 has it so: "Peers which have a better upload rate but aren't
/// interested get unchoked and if they become interested the worst uploader gets choked."
/// </remarks>
internal sealed partial class Choker
{
    /// <summary>For so long a place is kept for who does not say that it wants something.</summary>
    private static readonly TimeSpan NewcomerPatience = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The peer has told what it has. While fewer than half of the places are taken one is its own: the others are for those who come
    /// at the same time and say what they want.
    /// </summary>
    public void OnHoldings(PeerState peer)
    {
        if (peer.HasBeenUnchoked || peer.IsInterested || !MayBecomeInterested(peer))
        {
            return;
        }

        var used = CountUsed() + state.Peers.Count(other => other is { AreWeChoking: false, IsInterested: false });
        if (2 * used < state.UploadSlots && !IsCrowded(peer))
        {
            uploader.Unchoke(peer);
            peer.IsNewcomer = true;
        }
    }

    /// <summary>Who asks for something wants something, whatever it says: its place is counted.</summary>
    public void OnRequest(PeerState peer)
    {
        if (!peer.AreWeChoking)
        {
            (peer.IsInterested, peer.IsNewcomer) = (true, false);
        }
    }

    private bool MayKeepPlace(PeerState peer) =>
        peer is { AreWeChoking: false, IsNewcomer: true }
        && state.Now - peer.UnchokedAt < NewcomerPatience
        && MayBecomeInterested(peer);

    /// <summary>A super-seed shows who may ask more than who may not, and so waits until it wants something.</summary>
    private bool MayBecomeInterested(PeerState peer) =>
        state.Content is { } content
        && !state.IsSuperSeeding
        && peer is { Have: { } have, IsUploadOnly: false, IsWebSeed: false, IsGone: false }
        && content.Have.Count > have.Count;
}
