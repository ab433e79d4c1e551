using System.Net.Sockets;

namespace Shoal.Engine;

// Places come and go, and what is open at them ends with them.
internal sealed partial class LocalBinding
{
    /// <summary>
    /// Looks again which places there are. What is open at one that is lost ends here and sends nothing more, not even a
    /// goodbye, since that would leave by another. Listening sockets and the <see cref="UdpPort"/> are their owners'.
    /// </summary>
    /// <returns>Places that were lost, came back, or are others now, by whether they are usable.</returns>
    public IReadOnlyList<(LocalPlace Place, bool IsUsable)> Refresh()
    {
        var all = IsRestricted ? _interfaces() : [];
        if (all.Count == 0)
        {
            // The system does not tell.
            return [];
        }

        var changes = new List<(LocalPlace, bool)>();
        var ended = new List<(Socket, LocalPlace)>();
        lock (_lock)
        {
            for (var i = 0; i < Places.Count; i++)
            {
                var before = _states[i];
                _states[i] = Look(Places[i], all, before);
                // The same name may come back as another interface: sockets do not notice.
                if (
                    before.IsUsable != _states[i].IsUsable
                    || (before.WasSeen && _states[i].IsUsable && before.Index != _states[i].Index)
                )
                {
                    Generation++;
                    changes.Add((Places[i], _states[i].IsUsable));
                    ended.AddRange(TakeOpen(i).Select(socket => (socket, Places[i])));
                }
            }
        }

        foreach (var (socket, place) in ended)
        {
            End(socket, place);
        }

        return changes;
    }

    /// <summary>Call under the lock.</summary>
    private void Keep(Socket socket, int place)
    {
        if (!IsRestricted)
        {
            return;
        }

        if (_open.Count >= _pruneAt)
        {
            _open.RemoveAll(one => !one.Socket.TryGetTarget(out var found) || found.SafeHandle.IsClosed);
            _pruneAt = Math.Max(64, 2 * _open.Count);
        }

        _open.Add((new WeakReference<Socket>(socket), place));
    }

    private List<Socket> TakeOpen(int place)
    {
        var taken = new List<Socket>();
        _open.RemoveAll(one =>
        {
            if (one.Place == place && one.Socket.TryGetTarget(out var found))
            {
                taken.Add(found);
            }

            return one.Place == place;
        });
        return taken;
    }

    private static void End(Socket socket, LocalPlace place)
    {
        try
        {
            if (OperatingSystem.IsLinux() && place.Device is null)
            {
                // Without it the system would say goodbye, and send again what was under way, by whatever route there is.
                BindTo(socket, "lo");
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Linux before 5.7 lets only the administrator do it.
        }

        try
        {
            if (socket.SocketType == SocketType.Stream)
            {
                // Whoever waits for it wakes up.
                socket.Shutdown(SocketShutdown.Both);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It is not connected yet, and will not be; or no more.
        }
    }

    private static PlaceState Look(LocalPlace place, IReadOnlyList<LocalInterface> all, PlaceState before)
    {
        var found = all.FirstOrDefault(one =>
            one.IsUp && (place.Device is { } device ? one.Name == device : one.Addresses.Contains(place.Address))
        );
        return found is not null ? new PlaceState(true, true, found.Index, found.Name)
            // All of 127.0.0.0/8 is ours without being listed, and the administrator may have routed more here.
            : before.WasSeen ? before with { IsUsable = false }
            : before;
    }
}
