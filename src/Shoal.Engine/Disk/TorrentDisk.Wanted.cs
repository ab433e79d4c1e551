namespace Shoal.Engine;

// Which files are wanted, and what has to be there at once.
internal sealed partial class TorrentDisk
{
    // What the disk has not carried out yet; null: nothing.
    private IReadOnlyList<FilePriority>? _unsettled;
    private Task _settling = Task.CompletedTask;

    // Nothing is to be made that is not there.
    private bool _isSeedOnly;

    /// <summary>
    /// Says which files are wanted: unwanted ones that do not exist are not made; what the part file holds of
    /// files now wanted moves over. A disk that fails is reported, and tried again until it works: meanwhile a file could
    /// lack what the part file holds, though all of its pieces are there.
    /// </summary>
    public Task SetFilePriorities(IReadOnlyList<FilePriority> priorities)
    {
        Volatile.Write(ref _unsettled, priorities);
        return SettleAsync();
    }

    /// <summary>Tries again what the disk could not carry out. Called every few seconds; who calls need not wait.</summary>
    internal Task SettleSoon()
    {
        if (Volatile.Read(ref _unsettled) is not null && _settling.IsCompleted)
        {
            _settling = SettleAsync();
        }

        return _settling;
    }

    private async Task SettleAsync()
    {
        try
        {
            await Exclusively(() =>
                {
                    if (_unsettled is { } priorities)
                    {
                        ApplyPriorities(priorities);
                        CreateEmpty(priorities);
                        // What came meanwhile has a call of its own.
                        Interlocked.CompareExchange(ref _unsettled, null, priorities);
                    }
                })
                .ConfigureAwait(false);
            ReportRecovery(_admin);
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            ReportFailure(_admin, StorageException.From(e, "cannot use", Storage.Root).Failure);
        }
        catch (ObjectDisposedException)
        {
            // Whoever opens it next says again what is wanted.
        }
    }

    /// <summary>At the start, before any shard knows of it.</summary>
    private void PrepareFiles(TorrentDiskOptions options, ResumeImage image)
    {
        _isSeedOnly = !options.CreateEmptyFiles || options.AssumeComplete;
        try
        {
            if (options.Priorities is { } priorities && !priorities.SequenceEqual(image.Priorities ?? []))
            {
                ApplyPriorities(priorities);
            }

            CreateEmpty(options.Priorities ?? image.Priorities);
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            _unsettled =
                options.Priorities
                ?? image.Priorities
                ?? [.. Enumerable.Repeat(FilePriority.Normal, Metainfo.Files.Count)];
            ReportFailure(_admin, StorageException.From(e, "cannot use", Storage.Root).Failure);
        }
    }

    private void CreateEmpty(IReadOnlyList<FilePriority>? priorities)
    {
        if (!_isSeedOnly)
        {
            Storage.CreateEmpty(priorities);
        }
    }

    /// <summary>While no shard touches the files.</summary>
    private void ApplyPriorities(IReadOnlyList<FilePriority> priorities)
    {
        var written = Storage.SetPriorities(priorities);
        if (written.Count > 0)
        {
            _journal?.End(_shards.Length, StampsOf(written), new RoundRecord());
        }

        // Until this is durable the part file stays, and the files' parts count as being there.
        _journal?.SavePriorities(priorities, Storage.IsKept);
        Storage.DeleteUnusedParts();
    }
}
