using System.Net;

namespace Shoal.Engine;

// What only a torrent with peers needs is made when the first comes.
internal sealed partial class TorrentRunner
{
    private readonly Lock _making = new();
    private PeerConnections? _connections;
    private RateGate? _downloadGate;
    private RateGate? _uploadGate;

    public RateGate DownloadGate => GateOf(ref _downloadGate, _services.DownloadGate);

    public RateGate UploadGate => GateOf(ref _uploadGate, _services.UploadGate);

    /// <summary>Null: the torrent has ended.</summary>
    private PeerConnections? Connections
    {
        get
        {
            lock (_making)
            {
                if (_connections is null && !_isDisposed)
                {
                    _connections = new PeerConnections(
                        _services,
                        this,
                        _loop,
                        _options.Peers.ToHashSet(),
                        KeepNamed,
                        exception => Tell(new EngineEvent.EngineFaulted(exception))
                    );
                    _connections.SetState(_loop.Status.State);
                }

                return _connections;
            }
        }
    }

    /// <summary>Takes in a peer that called and named this torrent.</summary>
    public void Accept(ITransport transport, PeerIntroduction introduction)
    {
        if (Connections is { } connections)
        {
            connections.Accept(transport, introduction);
        }
        else
        {
            transport.Dispose();
        }
    }

    void ISwarmOwner.Connect(IPEndPoint endPoint, DialHints hints) => Connections?.Dial(endPoint, hints);

    private void TellConnections(TorrentState state)
    {
        lock (_making)
        {
            _connections?.SetState(state);
        }
    }

    private RateGate GateOf(ref RateGate? gate, RateGate all)
    {
        lock (_making)
        {
            return gate ??= all.CreateChild();
        }
    }
}
