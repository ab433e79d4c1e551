namespace Shoal.Engine;

/// <summary>What one packet from the peer acknowledged.</summary>
internal struct UtpAcked
{
    /// <summary>Content, each byte once.</summary>
    public int Bytes;
    public int Packets;

    /// <summary>Of the packets acknowledged, the one that left last: its number in the order of sending, and when.</summary>
    public long NewestOrder;
    public long NewestSentAt;

    /// <summary>Packets that we had taken for lost, and the first sending has come in after all.</summary>
    public int Spurious;

    /// <summary>The last probe has come in.</summary>
    public bool HasProbe;

    /// <summary>The round trip was measured: a packet was among them that was sent only once.</summary>
    public bool HasSample;
}

/// <summary>What was given up, and what may be soon.</summary>
internal struct UtpLosses
{
    /// <summary>Packets, without probes.</summary>
    public int Packets;

    /// <summary>Of these, the one that left last: its place in the order of sending.</summary>
    public long NewestOrder;

    /// <summary>A probe is among them; it may be lost for its length.</summary>
    public bool HasProbe;

    /// <summary>When a packet was sent that has been overtaken, but not for long enough; MaxValue: there is none.</summary>
    public long UndecidedSentAt;
}

internal sealed partial class UtpSendQueue
{
    /// <summary>
    /// Gives up packets that left before others which have come in: three later ones must have, and one that left so
    /// much later.
    /// </summary>
    /// <param name="newestOrder">The place of the newest that came in.</param>
    /// <param name="newestSentAt">When it left.</param>
    /// <param name="patience">Microseconds.</param>
    public UtpLosses GiveUpOvertaken(long newestOrder, long newestSentAt, long patience)
    {
        const int Later = 3;
        var losses = new UtpLosses { UndecidedSentAt = long.MaxValue };
        while (_inFlight.Oldest != NoLink)
        {
            ref var packet = ref _packets[_inFlight.Oldest];
            if (packet.Order + Later > newestOrder)
            {
                break;
            }

            if (packet.SentAt + patience > newestSentAt)
            {
                losses.UndecidedSentAt = packet.SentAt;
                break;
            }

            GiveUp(_inFlight.Oldest, ref losses);
        }

        return losses;
    }

    /// <summary>Gives up everything that is under way.</summary>
    public UtpLosses GiveUpAll()
    {
        var losses = new UtpLosses { UndecidedSentAt = long.MaxValue };
        while (_inFlight.Oldest != NoLink)
        {
            GiveUp(_inFlight.Oldest, ref losses);
        }

        return losses;
    }

    /// <summary>Gives up the packet that left last, to send it again as a question.</summary>
    public UtpLosses GiveUpNewest()
    {
        var losses = new UtpLosses { UndecidedSentAt = long.MaxValue };
        GiveUp(_inFlight.Newest, ref losses);
        return losses;
    }

    private void GiveUp(int index, ref UtpLosses losses)
    {
        ref var packet = ref _packets[index];
        losses.HasProbe |= packet.IsProbe;
        losses.Packets += packet.IsProbe ? 0 : 1;
        losses.NewestOrder = Math.Max(losses.NewestOrder, packet.Order);
        InFlightBytes -= packet.Length;
        packet.State = UtpSendState.Lost;
        packet.IsProbe = false;
        Unlink(ref _inFlight, index);
        Link(ref _lost, index);
    }

    private void Link(ref PacketList list, int index)
    {
        ref var packet = ref _packets[index];
        (packet.Older, packet.Newer) = (list.Newest, NoLink);
        if (list.Newest == NoLink)
        {
            list.Oldest = index;
        }
        else
        {
            _packets[list.Newest].Newer = index;
        }

        list.Newest = index;
    }

    private void Unlink(ref PacketList list, int index)
    {
        ref var packet = ref _packets[index];
        if (packet.Older == NoLink)
        {
            list.Oldest = packet.Newer;
        }
        else
        {
            _packets[packet.Older].Newer = packet.Newer;
        }

        if (packet.Newer == NoLink)
        {
            list.Newest = packet.Older;
        }
        else
        {
            _packets[packet.Newer].Older = packet.Older;
        }

        (packet.Older, packet.Newer) = (NoLink, NoLink);
    }
}
