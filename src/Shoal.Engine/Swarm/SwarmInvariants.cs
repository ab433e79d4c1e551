namespace Shoal.Engine;

/// <summary>What is true of a swarm between events. Checked around every event in Debug builds and simulations.</summary>
internal static class SwarmInvariants
{
    public static void Check(SwarmState state, RequestLedger ledger)
    {
        foreach (var peer in state.Peers)
        {
            Invariant.Holds(!peer.IsGone, "a peer in the list is connected");
            Invariant.Holds(peer.SendAhead >= 0, "no more was sent than was read");
            Invariant.Holds(peer.Uploads.Count <= state.Limits.MaxRequestsIn, "upload queues are bounded");
        }

        if (state.Content is not { } content)
        {
            return;
        }

        content.CheckInvariants();
        ledger.CheckInvariants();
        content.Availability.CheckInvariants(piece =>
            state.Peers.Count(peer => !peer.IsCountedAsSeed && peer.Have![piece])
        );
        foreach (var peer in state.Peers)
        {
            Invariant.Holds(peer.Offers == BitScan.CountCommon(peer.Have!, content.Needed), "offers are counted");
            Invariant.Holds(peer.AreWeInterested == (peer.Offers > 0), "interest is exact");
        }
    }
}
