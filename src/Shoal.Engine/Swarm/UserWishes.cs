namespace Shoal.Engine;

/// <summary>Does what the user commands.</summary>
internal sealed class UserWishes(
    SwarmState state,
    RequestLedger ledger,
    Holdings holdings,
    Verification verification,
    Admission admission,
    SuperSeeder superSeeder
)
{
    /// <summary>Set by <see cref="Swarm"/>: all peers leave, no more are called.</summary>
    public required Action DisconnectAll { get; init; }

    public required TrackerExchange Trackers { get; init; }

    public required MemberWatch Members { get; init; }

    public required Readers Readers { get; init; }

    public void Handle(SwarmCommand command)
    {
        switch (command)
        {
            case SwarmCommand.Pause:
                state.IsPaused = true;
                DisconnectAll();
                state.Tell(SwarmEffectKind.StateChanged);
                break;
            case SwarmCommand.Resume:
                state.IsPaused = false;
                state.Tell(SwarmEffectKind.StateChanged);
                admission.ConnectMore();
                break;
            case SwarmCommand.Recheck:
                // What we told peers may prove wrong: they come back to what is true.
                DisconnectAll();
                verification.Recheck();
                break;
            case SwarmCommand.SetFilePriorities set:
                SetPriorities(set.Priorities);
                break;
            case SwarmCommand.SetSequential set when state.Content is { } content:
                content.IsSequential = set.IsSequential;
                break;
            case SwarmCommand.SetDeadline set when state.Content is { } content:
                content.SetDeadline(set.Piece, set.Deadline);
                ledger.RefillAll();
                break;
            case SwarmCommand.OpenReader open:
                Readers.Open(open.Reader, open.Position, open.End);
                break;
            case SwarmCommand.MoveReader move:
                Readers.Move(move.Reader, move.Position);
                break;
            case SwarmCommand.CloseReader close:
                Readers.Close(close.Reader);
                break;
            case SwarmCommand.ShowCopies:
                state.CopiesShownUntil = state.Now + state.Limits.CopiesShown;
                break;
            case SwarmCommand.SetSuperSeeding set:
                state.IsSuperSeeding = set.IsSuperSeeding;
                superSeeder.OnSwitched();
                break;
            case SwarmCommand.GiveUpPeer:
                admission.GiveUpPeer();
                break;
            case SwarmCommand.SetUploadSlots set:
                state.UploadSlots = set.Slots;
                break;
            case SwarmCommand.SetListenPort set:
                state.Own.Port = set.Port;
                admission.AddressChanged();
                break;
            case SwarmCommand.SetExternalAddress set:
                state.Own.SetExternal(set.Address);
                admission.AddressChanged();
                break;
            case SwarmCommand.SetRevocations set:
                Members.Take(set.List);
                break;
            case SwarmCommand.TrackerWorks works:
                Trackers.Works(works.Tracker);
                break;
        }
    }

    private void SetPriorities(IReadOnlyList<FilePriority> priorities)
    {
        if (state.Content is not { } content)
        {
            return;
        }

        content.SetPriorities(priorities);
        for (var i = content.PartialOrder.Count - 1; i >= 0; i--)
        {
            var partial = content.PartialOrder[i];
            if (partial.Level == 0)
            {
                ledger.CancelAll(partial);
                if (partial.IsUntouched)
                {
                    content.Drop(partial);
                }
            }
        }

        holdings.Recount();
        verification.Settle();
        ledger.RefillAll();
    }
}
