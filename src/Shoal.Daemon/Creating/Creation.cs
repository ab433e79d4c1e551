using Shoal.Api;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>One torrent that is being made, or was. Safe from any thread: its item is replaced whole.</summary>
internal sealed class Creation(string id, string path, long now) : IProgress<HashingProgress>, IDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _givenUp = new();
    private CreationItem _item = new()
    {
        Id = id,
        Path = path,
        BegunAt = now,
    };

    public CreationItem Item => Volatile.Read(ref _item);

    /// <summary>The .torrent; null: not made, or let go.</summary>
    public byte[]? Bytes { get; private set; }

    public CancellationToken GivenUp => _givenUp.Token;

    public bool IsOver => Item.State is CreationState.Done or CreationState.Failed;

    public void Report(HashingProgress value) =>
        Change(item => item with { Done = value.BytesDone, Size = value.BytesTotal });

    public void Dispose() => _givenUp.Dispose();

    public void GiveUp() => _givenUp.Cancel();

    public void Forget() => Bytes = null;

    public void Fail(string message) => Change(item => item with { State = CreationState.Failed, Error = message });

    public void End(byte[] bytes, Metainfo metainfo, string? torrent)
    {
        Bytes = bytes;
        Change(item =>
            item with
            {
                State = CreationState.Done,
                Name = metainfo.Name,
                InfoHashV1 = metainfo.InfoHashes.V1?.ToString(),
                InfoHashV2 = metainfo.InfoHashes.V2?.ToString(),
                Torrent = torrent,
            }
        );
    }

    public void Change(Func<CreationItem, CreationItem> change)
    {
        lock (_lock)
        {
            Volatile.Write(ref _item, change(_item));
        }
    }
}
