namespace Shoal.Engine;

// What the next run is to know, in a file of one process at a time.
internal sealed partial class DhtLoop
{
    private List<DhtNodeState> LoadState()
    {
        try
        {
            var file = new FileInfo(_statePath);
            return file.Exists && file.Length <= DhtState.MaxBytes ? DhtState.Read(File.ReadAllBytes(_statePath)) : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Without it we begin anew.
            return [];
        }
    }

    private FileLock? TryLock()
    {
        try
        {
            return FileLock.TryTake(Path.Combine(_options.StateDirectory, "locks", _options.StateFile + ".lock"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A folder that may only be read: nothing is saved there anyway.
            return null;
        }
    }

    private void SaveState()
    {
        if (_lock is null)
        {
            return;
        }

        try
        {
            var temporary = _statePath + ".new";
            File.WriteAllBytes(temporary, DhtState.Write(_dht.Save()));
            File.Move(temporary, _statePath, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The next start takes longer; nothing is lost that the DHT does not know.
        }
    }
}
