using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>A torrent to add.</summary>
/// <param name="Source">What it is.</param>
/// <param name="Wish">What is wanted of it.</param>
/// <param name="SaveDirectory">Where its content goes; checked.</param>
internal sealed record Addition(NewTorrent Source, AddTorrent Wish, string SaveDirectory);

/// <summary>What became of it: one of both.</summary>
/// <param name="Item">It was added.</param>
/// <param name="Error">It was not, or could not be saved.</param>
internal readonly record struct AdditionOutcome(TorrentItem? Item, ApiException? Error);
