using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>One end of a connection in a crowd: what waits for the node's uplink. Known by its place at the node.</summary>
/// <remarks>
/// A struct, so that those of a node lie side by side. Whoever holds a reference to one must not let the node make
/// another meanwhile.
/// </remarks>
internal struct CrowdLink(int other, int otherPlace, long delay, int window)
{
    private CrowdLine _messages;
    private CrowdLine _blocks;
    private int _messageCount;
    private int _messageBytes;

    public CrowdWindow Window = new(window);

    public readonly int Other => other;

    /// <summary>At the other node; -1: it has not answered yet.</summary>
    public int OtherPlace { get; set; } = otherPlace;

    /// <summary>One way, in ticks.</summary>
    public readonly long Delay => delay;
    public bool IsClosed { get; private set; }
    public bool IsWaiting { get; set; }

    public readonly bool HasMessages => !_messages.IsEmpty;

    public readonly bool CanSend => !_messages.IsEmpty || (!_blocks.IsEmpty && Window.HasRoom);

    public void Add(CrowdStore store, in CrowdEvent message)
    {
        var place = store.Add(message);
        if (message.MessageId == MessageId.Piece)
        {
            _blocks.Add(store, place);
        }
        else
        {
            _messages.Add(store, place);
            _messageCount++;
            _messageBytes += message.Size;
        }
    }

    /// <summary>
    /// What is sent at one go: all messages, or one block. As in a real link, messages go first. Returns how many, and their
    /// bytes.
    /// </summary>
    public (int Count, int Bytes) TakeTurn(CrowdStore store, ref CrowdLine batch, long now)
    {
        if (!_messages.IsEmpty)
        {
            var turn = (_messageCount, _messageBytes);
            batch.Add(store, ref _messages);
            (_messageCount, _messageBytes) = (0, 0);
            return turn;
        }

        var place = _blocks.Take(store);
        ref readonly var block = ref store[place];
        Window.OnSent((int)block.Length, now);
        batch.Add(store, place);
        return (1, block.Size);
    }

    /// <summary>Takes back blocks that have not left; length 0: all. Returns how many bytes.</summary>
    public int TakeBack(CrowdStore store, uint piece, uint begin, uint length)
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

    public void Close(CrowdStore store)
    {
        IsClosed = true;
        _messages.Clear(store);
        _blocks.Clear(store);
        (_messageCount, _messageBytes) = (0, 0);
    }
}
