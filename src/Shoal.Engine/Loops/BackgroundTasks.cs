namespace Shoal.Engine;

/// <summary>
/// The tasks an owner has started and must see the end of: nothing is fired and forgotten. A task that fails is
/// a bug of its author (expected failures are values) and is handed to <c>onFault</c>.
/// </summary>
internal sealed class BackgroundTasks(Action<Exception> onFault)
{
    private readonly Lock _lock = new();

    // Null: nothing was ever started.
    private HashSet<Task>? _running;
    private bool _ended;

    /// <summary>Starts the work on the pool; false when the owner is ending and nothing new may start.</summary>
    public bool TryRun(Func<Task> work)
    {
        lock (_lock)
        {
            if (_ended)
            {
                return false;
            }

            Task? task = null;
            var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            task = RunAsync(started.Task, work, () => Forget(task!));
            (_running ??= []).Add(task);
            started.SetResult();
            return true;
        }
    }

    /// <summary>Lets nothing new start and completes when everything running has ended.</summary>
    public async Task EndAsync()
    {
        Task[] left;
        lock (_lock)
        {
            _ended = true;
            left = [.. _running ?? []];
        }

        await Task.WhenAll(left).ConfigureAwait(false);
    }

    private async Task RunAsync(Task started, Func<Task> work, Action forget)
    {
        await started.ConfigureAwait(false);
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The owner stops.
        }
        catch (Exception exception)
        {
            onFault(exception);
        }
        finally
        {
            forget();
        }
    }

    private void Forget(Task task)
    {
        lock (_lock)
        {
            _running?.Remove(task);
        }
    }
}
