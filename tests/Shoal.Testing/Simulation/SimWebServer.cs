using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>
/// A web server of the simulated world that has a torrent's content: its uplink is shared by those who ask, block by block
/// in turn.
/// </summary>
internal sealed class SimWebServer(SimWorld world, SimTorrent torrent, string url, long bytesPerSecond)
{
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(30);

    private readonly LinkedList<(SimNode Node, PeerHandle Handle, int Life)> _turns = [];
    private readonly Dictionary<(int Node, int Handle), LinkedList<SwarmEffect>> _asked = [];
    private bool _isBusy;

    /// <summary>Bytes of blocks sent.</summary>
    public long Uploaded { get; private set; }

    /// <summary>Changes blocks on their way out: a liar.</summary>
    public Action<uint, uint, Memory<byte>>? Corrupt { get; init; }

    public void Join(SimNode node, PeerHandle handle)
    {
        if (!WebSeedUrl.TryParse(url, out var parsed))
        {
            throw new InvalidOperationException($"{url} is no URL");
        }

        _asked[(node.Index, handle.Value)] = [];
        _turns.AddLast((node, handle, node.Life));
        var full = new Bitfield(torrent.Metainfo.Layout.PieceCount);
        full.SetAll();
        node.Post(
            new SwarmEvent(
                SwarmEventKind.PeerJoined,
                handle,
                Payload: new PeerIntroduction
                {
                    EndPoint = PeerIntroduction.NoEndPoint,
                    PeerId = default,
                    Capabilities = PeerCapabilities.None,
                    IsOutgoing = true,
                    InfoHash = torrent.Metainfo.InfoHashes.Primary,
                    Source = PeerSource.WebSeed,
                    Transport = TransportKind.Http,
                    WebSeed = parsed,
                }
            )
        );
        node.Post(new SwarmEvent(SwarmEventKind.Message, handle, MessageId.Bitfield, Payload: full.Bytes.ToArray()));
        node.Post(new SwarmEvent(SwarmEventKind.Message, handle, MessageId.Unchoke));
    }

    public void Apply(SimNode node, in SwarmEffect effect)
    {
        if (!_asked.TryGetValue((node.Index, effect.Peer.Value), out var asked))
        {
            return;
        }

        switch (effect.Kind, effect.MessageId)
        {
            case (SwarmEffectKind.Disconnect, _):
                _asked.Remove((node.Index, effect.Peer.Value));
                break;
            case (_, MessageId.Request):
                asked.AddLast(effect);
                Next();
                break;
            case (_, MessageId.Cancel):
                var (piece, begin) = (effect.Piece, effect.Begin);
                var cancelled = asked.FirstOrDefault(other => other.Piece == piece && other.Begin == begin);
                asked.Remove(cancelled);
                break;
        }
    }

    private void Next()
    {
        if (_isBusy)
        {
            return;
        }

        for (var left = _turns.Count; left > 0; left--)
        {
            var turn = _turns.First!.Value;
            _turns.RemoveFirst();
            if (turn.Node.Life != turn.Life || !_asked.TryGetValue((turn.Node.Index, turn.Handle.Value), out var asked))
            {
                continue;
            }

            _turns.AddLast(turn);
            if (asked.First is { } first)
            {
                asked.RemoveFirst();
                Send(turn.Node, turn.Handle, turn.Life, first.Value);
                return;
            }
        }
    }

    private void Send(SimNode node, PeerHandle handle, int life, SwarmEffect request)
    {
        _isBusy = true;
        world.After(
            TimeSpan.FromSeconds(bytesPerSecond == 0 ? 0 : (double)request.Length / bytesPerSecond),
            () =>
            {
                _isBusy = false;
                Uploaded += request.Length;
                world.After(Latency, () => Arrive(node, handle, life, request));
                Next();
            }
        );
    }

    private void Arrive(SimNode node, PeerHandle handle, int life, SwarmEffect request)
    {
        if (node.Life != life)
        {
            return;
        }

        world.At(
            node.ReserveDown((int)request.Length),
            () =>
            {
                if (node.Life != life || !_asked.ContainsKey((node.Index, handle.Value)))
                {
                    return;
                }

                if (!world.Pool.TryRent(out var buffer))
                {
                    throw new InvalidOperationException("the world has too few buffers");
                }

                var layout = torrent.Metainfo.Layout;
                var offset = layout.OffsetOf(layout.Piece((int)request.Piece)) + request.Begin;
                buffer.Length = (int)request.Length;
                buffer.Span.Clear();
                var there = (int)Math.Clamp(torrent.Content.Length - offset, 0, request.Length);
                torrent.Content.AsSpan((int)offset, there).CopyTo(buffer.Span);
                Corrupt?.Invoke(request.Piece, request.Begin, buffer.Memory);
                node.Post(
                    new SwarmEvent(
                        SwarmEventKind.Message,
                        handle,
                        MessageId.Piece,
                        request.Piece,
                        request.Begin,
                        request.Length,
                        buffer
                    )
                );
            }
        );
    }
}
