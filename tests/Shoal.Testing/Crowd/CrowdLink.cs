using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>One end of a connection in a crowd: what waits for the node's uplink.</summary>
internal sealed class CrowdLink(CrowdStore store, int place, int other, long delay, int window)
{
    private CrowdLine _messages = new();
    private CrowdLine _blocks = new();

    /// <summary>At this node; the handle of the peer is one more.</summary>
    public int Place => place;
    public int Other => other;

    /// <summary>At the other node; -1: it has not answered yet.</summary>
    public int OtherPlace { get; set; } = -1;

    /// <summary>One way, in ticks.</summary>
    public long Delay => delay;
    public bool IsClosed { get; set; }
    public bool IsWaiting { get; set; }

    public CrowdWindow Window { get; } = new(window);

    public bool HasMessages => !_messages.IsEmpty;

    public bool CanSend => !_messages.IsEmpty || (!_blocks.IsEmpty && Window.HasRoom);

    public void Add(in CrowdEvent message)
    {
        if (message.MessageId == MessageId.Piece)
        {
            _blocks.Add(store, message);
        }
        else
        {
            _messages.Add(store, message);
        }
    }

    /// <summary>What is sent at one go: all messages, or one block. As in a real link, messages go first.</summary>
    public void TakeTurn(List<(CrowdLink, CrowdEvent)> batch, long now)
    {
        if (!_messages.IsEmpty)
        {
            while (!_messages.IsEmpty)
            {
                batch.Add((this, _messages.Take(store)));
            }

            return;
        }

        var block = _blocks.Take(store);
        Window.OnSent((int)block.Length, now);
        batch.Add((this, block));
    }

    /// <summary>Takes back blocks that have not left; length 0: all. Returns how many bytes.</summary>
    public int TakeBack(uint piece, uint begin, uint length)
    {
        var bytes = 0;
        _blocks.Remove(
            store,
            block =>
            {
                var isChosen = length == 0 || (block.Piece == piece && block.Begin == begin && block.Length == length);
                bytes += isChosen ? (int)block.Length : 0;
                return isChosen;
            }
        );
        return bytes;
    }

    public void Close()
    {
        IsClosed = true;
        _messages.Clear(store);
        _blocks.Clear(store);
    }
}
