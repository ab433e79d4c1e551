using System.Threading.Tasks.Sources;

namespace Shoal.Engine;

internal sealed partial class UtpTransport
{
    /// <summary>The reader that waits: one, again and again. It reads on its own thread when it is woken.</summary>
    private sealed class ReadWait(UtpTransport transport) : IValueTaskSource<int>, IThreadPoolWorkItem
    {
        private ManualResetValueTaskSourceCore<bool> _core;
        private Memory<byte> _buffer;
        private bool _isWaiting;

        public ValueTask<int> Begin(Memory<byte> buffer)
        {
            _core.Reset();
            (_buffer, _isWaiting) = (buffer, true);
            return new ValueTask<int>(this, _core.Version);
        }

        /// <summary>With the lock held.</summary>
        public void Wake()
        {
            if (_isWaiting)
            {
                _isWaiting = false;
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
        }

        void IThreadPoolWorkItem.Execute() => _core.SetResult(true);

        int IValueTaskSource<int>.GetResult(short token)
        {
            _core.GetResult(token);
            var buffer = _buffer;
            _buffer = default;
            return transport.EndRead(buffer);
        }

        ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _core.GetStatus(token);

        void IValueTaskSource<int>.OnCompleted(
            Action<object?> continuation,
            object? state,
            short token,
            ValueTaskSourceOnCompletedFlags flags
        ) => _core.OnCompleted(continuation, state, token, flags);
    }

    /// <summary>The writer that waits until all it gave is taken.</summary>
    private sealed class WriteWait(UtpTransport transport) : IValueTaskSource, IThreadPoolWorkItem
    {
        private ManualResetValueTaskSourceCore<bool> _core;
        private bool _isWaiting;

        public ValueTask Begin()
        {
            _core.Reset();
            _isWaiting = true;
            return new ValueTask(this, _core.Version);
        }

        /// <summary>With the lock held.</summary>
        public void Wake()
        {
            if (_isWaiting)
            {
                _isWaiting = false;
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }
        }

        void IThreadPoolWorkItem.Execute() => _core.SetResult(true);

        void IValueTaskSource.GetResult(short token)
        {
            _core.GetResult(token);
            transport.EndWrite();
        }

        ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

        void IValueTaskSource.OnCompleted(
            Action<object?> continuation,
            object? state,
            short token,
            ValueTaskSourceOnCompletedFlags flags
        ) => _core.OnCompleted(continuation, state, token, flags);
    }
}
