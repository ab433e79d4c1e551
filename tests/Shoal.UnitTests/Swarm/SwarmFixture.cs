using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>A swarm without a world: a test hands it events and reads the effects.</summary>
internal sealed class SwarmFixture
{
    public const PeerCapabilities All = PeerCapabilities.Fast | PeerCapabilities.Extensions;

    private readonly SwarmEffects _effects = new();
    private int _handles;

    public SwarmFixture(
        BuiltTorrent torrent,
        bool isSeed = false,
        Func<SwarmOptions, SwarmOptions>? change = null,
        bool isMagnet = false,
        bool isStarted = true
    )
    {
        Torrent = torrent;
        var options = new SwarmOptions
        {
            Random = new Random(1),
            PeerId = new PeerId("-SH0100-000000000000"u8),
            ExternalAddresses = [IPAddress.Parse("9.9.9.9")],
            CheckInvariants = true,
        };
        Swarm = new Swarm(
            change?.Invoke(options) ?? options,
            torrent.Metainfo.InfoHashes,
            isMagnet ? null : torrent.Metainfo
        );
        if (isStarted && !isMagnet)
        {
            Start(isSeed);
        }
    }

    public BuiltTorrent Torrent { get; }
    public Swarm Swarm { get; private set; }
    public BlockPool Pool { get; } = new(4096);
    public TimeSpan Now { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Tells the swarm what is on disk: everything, or nothing.</summary>
    public List<SwarmEffect> Start(bool isSeed = false)
    {
        var have = new Bitfield(Torrent.Metainfo.Layout.PieceCount);
        if (isSeed)
        {
            have.SetAll();
        }

        var resume = new ResumeState { Have = have, Check = new Bitfield(have.Length) };
        return Do(new SwarmEvent(SwarmEventKind.ResumeLoaded, Payload: resume));
    }

    /// <summary>The swarm rests, if it may, and another goes on.</summary>
    /// <param name="commands">What is said meanwhile, all of which must be taken without a swarm.</param>
    /// <returns>Whether it could.</returns>
    public bool Rest(params SwarmCommand[] commands)
    {
        if (Swarm.Remember() is not { } memory)
        {
            return false;
        }

        foreach (var command in commands)
        {
            Assert.True(memory.TryTake(new SwarmEvent(SwarmEventKind.Command, Payload: command)), $"{command}");
        }

        Swarm = new Swarm(memory, Now);
        return true;
    }

    /// <summary>The effects of one event.</summary>
    public List<SwarmEffect> Do(SwarmEvent e)
    {
        _effects.Clear();
        Swarm.Handle(e, Now, _effects);
        return [.. _effects.Span];
    }

    public PeerHandle Join(out List<SwarmEffect> greeting, PeerCapabilities capabilities = All, int address = 0) =>
        Join(
            out greeting,
            Stranger(IPAddress.Parse($"10.0.0.{(address == 0 ? _handles + 1 : address)}")) with
            {
                Capabilities = capabilities,
                IsOutgoing = true,
            }
        );

    public PeerHandle Join(out List<SwarmEffect> greeting, PeerIntroduction introduction)
    {
        var handle = new PeerHandle(++_handles);
        greeting = Do(new SwarmEvent(SwarmEventKind.PeerJoined, handle, Payload: introduction));
        return handle;
    }

    /// <summary>Somebody who calls from the address, with an id that no other has.</summary>
    public PeerIntroduction Stranger(IPAddress address)
    {
        var id = new byte[PeerId.Size];
        BitConverter.TryWriteBytes(id, _handles + 1);
        return new PeerIntroduction
        {
            EndPoint = new IPEndPoint(address, 4000),
            PeerId = new PeerId(id),
            Capabilities = All,
            IsOutgoing = false,
            InfoHash = Torrent.Metainfo.InfoHashes.Primary,
        };
    }

    public List<SwarmEffect> Message(
        PeerHandle peer,
        MessageId id,
        uint piece = 0,
        uint begin = 0,
        uint length = 0,
        object? payload = null
    ) => Do(new SwarmEvent(SwarmEventKind.Message, peer, id, piece, begin, length, payload));

    /// <summary>A peer that has everything and has unchoked us; the requests it got.</summary>
    public PeerHandle JoinSeed(out List<SwarmEffect> requests, PeerCapabilities capabilities = All)
    {
        var peer = Join(out _, capabilities);
        var full = new Bitfield(Torrent.Metainfo.Layout.PieceCount);
        full.SetAll();
        Message(peer, MessageId.Bitfield, payload: full.Bytes.ToArray());
        requests = [.. Message(peer, MessageId.Unchoke).Where(IsSend(MessageId.Request))];
        return peer;
    }

    /// <summary>Two leeches that between them have everything: no piece is only here.</summary>
    public void JoinOthersWithEverything()
    {
        var count = Torrent.Metainfo.Layout.PieceCount;
        foreach (var missing in (int[])[0, count - 1])
        {
            var have = new Bitfield(count);
            have.SetAll();
            have.Clear(Torrent.Metainfo.Layout.Piece(missing));
            Message(Join(out _), MessageId.Bitfield, payload: have.Bytes.ToArray());
        }
    }

    /// <summary>Hands over the block, true or with its first byte changed.</summary>
    public List<SwarmEffect> Block(PeerHandle peer, uint piece, uint begin, bool isGood = true)
    {
        var layout = Torrent.Metainfo.Layout;
        Assert.True(Pool.TryRent(out var buffer));
        var bytes = Torrent.Block(new BlockRef(layout.Piece((int)piece), (int)begin / PieceLayout.BlockSize));
        bytes.CopyTo(buffer.Span);
        buffer.Length = bytes.Length;
        buffer.Span[0] ^= (byte)(isGood ? 0 : 1);
        return Message(peer, MessageId.Piece, piece, begin, (uint)bytes.Length, buffer);
    }

    public static Func<SwarmEffect, bool> IsSend(MessageId id) =>
        effect => effect.Kind == SwarmEffectKind.Send && effect.MessageId == id;

    public static DisconnectReason? Disconnection(IEnumerable<SwarmEffect> effects) =>
        effects
            .Where(effect => effect.Kind == SwarmEffectKind.Disconnect)
            .Select(effect => (DisconnectReason?)effect.Piece)
            .FirstOrDefault();

    /// <summary>Gives back the buffers that effects carry, as link and disk would.</summary>
    public static void Release(IEnumerable<SwarmEffect> effects)
    {
        foreach (var effect in effects)
        {
            (effect.Payload as BlockBuffer)?.Release();
            effect.Disk.Buffer?.Release();
        }
    }
}
