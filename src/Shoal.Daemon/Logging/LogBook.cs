using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Shoal.Daemon;

/// <summary>
/// The log of the daemon: takes lines from any thread, which never waits, and writes them in a task of its own. Where nobody
/// takes what is written (a pipe that is full) lines are dropped and counted; the daemon goes on.
/// </summary>
internal sealed class LogBook : ILoggerFactory, IAsyncDisposable
{
    /// <summary>Lines that wait to be written. Default 8,192: some megabytes at most.</summary>
    private const int MaxWaiting = 8192;

    /// <summary>Lines written at once.</summary>
    private const int MaxBatch = 256;

    /// <summary>At the end: how long it waits for somebody to take the last lines.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(500);

    private readonly Channel<LogLine> _lines = Channel.CreateBounded<LogLine>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait }
    );
    private readonly ConcurrentDictionary<string, ILogger> _loggers = new(StringComparer.Ordinal);
    private readonly TextWriter _output;
    private readonly TimeProvider _time;
    private readonly Task _writing;
    private volatile LogRules _rules;
    private volatile Action<LogLine>? _listener;
    private long _dropped;

    /// <param name="output">Where lines go; stays the caller's.</param>
    public LogBook(TextWriter output, LogRules rules, TimeProvider time)
    {
        _output = output;
        _rules = rules;
        _time = time;
        _writing = Task.Run(WriteAllAsync);
    }

    /// <summary>What is logged from now on.</summary>
    public LogRules Rules
    {
        get => _rules;
        set => _rules = value;
    }

    /// <summary>Gets every line as it is written, on the task that writes; must not wait. Null: nobody.</summary>
    public Action<LogLine>? Listener
    {
        get => _listener;
        set => _listener = value;
    }

    /// <param name="categoryName">One of <see cref="LogParts"/>. Of the framework only the server's own trouble is heard: what it
    /// says of requests has their addresses with what is secret in them.</param>
    public ILogger CreateLogger(string categoryName) => _loggers.GetOrAdd(categoryName, Create);

    public void AddProvider(ILoggerProvider provider) =>
        throw new NotSupportedException("the log is written here only");

    public void Dispose()
    {
        // The container of the web host does not own it; whoever made it waits for its end.
    }

    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        try
        {
            await _writing.WaitAsync(LastWords, TimeProvider.System).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Nobody reads: there is nobody to tell.
        }
    }

    private ILogger Create(string category) =>
        LogParts.All.Contains(category) ? new PartLogger(this, category, LogLevel.Trace)
        : category.StartsWith("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal)
            ? new PartLogger(this, LogParts.Api, LogLevel.Warning)
        : NullLogger.Instance;

    private void Add(LogLine line)
    {
        if (!_lines.Writer.TryWrite(line))
        {
            Interlocked.Increment(ref _dropped);
        }
    }

    private async Task WriteAllAsync()
    {
        var text = new StringBuilder();
        while (await _lines.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            text.Clear();
            for (var i = 0; i < MaxBatch && _lines.Reader.TryRead(out var line); i++)
            {
                text.Append(LogText.Format(line, _rules.Form));
                _listener?.Invoke(line);
            }

            if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var dropped)
            {
                text.Append(LogText.Format(Dropped(dropped), _rules.Form));
            }

            try
            {
                await _output.WriteAsync(text).ConfigureAwait(false);
                await _output.FlushAsync().ConfigureAwait(false);
            }
            catch (IOException)
            {
                // Closed on the other side. It may be a log no more; the daemon is still one.
            }
        }
    }

    private LogLine Dropped(long count) =>
        new(
            _time.GetUtcNow(),
            LogLevel.Warning,
            LogParts.Daemon,
            "log-dropped",
            string.Create(CultureInfo.InvariantCulture, $"{count} lines of the log came faster than they were taken"),
            [new("count", count)],
            null
        );

    /// <summary>What one part writes by.</summary>
    /// <param name="least">Below it nothing is taken, whatever the rules say.</param>
    private sealed class PartLogger(LogBook book, string part, LogLevel least) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least && book._rules.IsOn(part, logLevel);

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            if (IsEnabled(logLevel))
            {
                book.Add(
                    new LogLine(
                        book._time.GetUtcNow(),
                        logLevel,
                        part,
                        Kebab(eventId.Name),
                        formatter(state, exception),
                        FieldsOf(state as IEnumerable<KeyValuePair<string, object?>>),
                        exception?.ToString()
                    )
                );
            }
        }

        private static List<KeyValuePair<string, object?>> FieldsOf(IEnumerable<KeyValuePair<string, object?>>? state)
        {
            var fields = new List<KeyValuePair<string, object?>>();
            foreach (var (name, value) in state ?? [])
            {
                if (name is not ("{OriginalFormat}" or "Message"))
                {
                    fields.Add(new(JsonName(name), Plain(value)));
                }
            }

            return fields;
        }

        private static object? Plain(object? value) =>
            value switch
            {
                null or string or long or double or bool => value,
                int or short or byte or uint or ushort => Convert.ToInt64(value, CultureInfo.InvariantCulture),
                _ => Convert.ToString(value, CultureInfo.InvariantCulture),
            };

        private static string JsonName(string name) => char.ToLowerInvariant(name[0]) + name[1..];

        private static string Kebab(string? name)
        {
            var kebab = new StringBuilder();
            foreach (var c in name ?? "")
            {
                if (char.IsUpper(c) && kebab.Length > 0)
                {
                    kebab.Append('-');
                }

                kebab.Append(char.ToLowerInvariant(c));
            }

            return kebab.ToString();
        }
    }
}
