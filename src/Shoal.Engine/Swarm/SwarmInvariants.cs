namespace Shoal.Engine;

/// <summary>What is true of a swarm between events. Checked around every event in Debug builds and simulations.</summary>
internal static class SwarmInvariants
{
    public static void Check(SwarmState state)
    {
        foreach (var peer in state.Peers)
        {
            Invariant.Holds(!peer.IsGone, "a peer in the list is connected");
            Invariant.Holds(peer.SendAhead >= 0, "no more was sent than was read");
            Invariant.Holds(peer.Uploads.Count <= Uploader.Capacity(state.Limits, peer), "upload queues are bounded");
            Invariant.Holds(
                !peer.IsHeld || peer.Uploads.Count > state.Limits.MaxRequestsIn / 2,
                "who is not read from has asked for much"
            );
        }

        if (state.Content is not { } content)
        {
            return;
        }

        content.CheckInvariants();
        CheckRequests(state, content);
        content.Availability.CheckInvariants(piece =>
            state.Peers.Count(peer => !peer.IsCountedAsSeed && peer.Have![piece])
        );
        foreach (var peer in state.Peers)
        {
            Invariant.Holds(peer.Offers == BitScan.CountCommon(peer.Have!, content.Needed), "offers are counted");
            Invariant.Holds(peer.AreWeInterested == (peer.Offers > 0), "interest is exact");
        }
    }

    private static void CheckRequests(SwarmState state, ContentState content)
    {
        var askers = new Dictionary<(PartialPiece, int), int>();
        foreach (var peer in state.Peers)
        {
            var active = 0;
            for (var i = 0; i < peer.Asks.Count; i++)
            {
                var ask = peer.Asks[i];
                if (ask.Phase == AskPhase.Active)
                {
                    active++;
                    if (!ask.Piece.IsGone)
                    {
                        askers[(ask.Piece, ask.Block)] = askers.GetValueOrDefault((ask.Piece, ask.Block)) + 1;
                    }
                }
            }

            Invariant.Holds(active == peer.ActiveAsks, "a peer's active requests are counted");
        }

        foreach (var partial in content.PartialOrder)
        {
            for (var block = 0; block < partial.BlockCount; block++)
            {
                Invariant.Holds(
                    partial.AskersOf(block) == askers.GetValueOrDefault((partial, block)),
                    "each asker of a block has it in its queue"
                );
            }
        }
    }
}
