using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Which files a web seed has, as far as we know: all that can be named, but for those it did not have lately.</summary>
internal sealed class WebSeedFiles
{
    private readonly Metainfo _metainfo;
    private readonly IReadOnlyList<string?> _paths;
    private readonly WebSeedLimits _limits;
    private readonly Dictionary<int, TimeSpan> _missing = [];
    private int _missesInRow;

    /// <param name="metainfo">The torrent.</param>
    /// <param name="paths">Of <see cref="WebSeedPaths"/>; shared by the web seeds of the torrent.</param>
    /// <param name="limits">For how long a file is missing.</param>
    public WebSeedFiles(Metainfo metainfo, IReadOnlyList<string?> paths, WebSeedLimits limits)
    {
        _metainfo = metainfo;
        _paths = paths;
        _limits = limits;
    }

    /// <summary>So many files were missing that the others are hardly there.</summary>
    public bool IsGone => _missesInRow >= _limits.MaxMissesInRow;

    public string PathOf(int file) => _paths[file]!;

    public void Found() => _missesInRow = 0;

    public void Miss(int file, TimeSpan now)
    {
        _missing[file] = now;
        _missesInRow++;
    }

    /// <summary>It is tried anew: what was missing long ago may have come.</summary>
    public void Retry(TimeSpan now)
    {
        foreach (var (file, _) in _missing.Where(entry => now - entry.Value >= _limits.MissingFor).ToArray())
        {
            _missing.Remove(file);
        }

        if (_missesInRow >= _limits.MaxMissesInRow)
        {
            _missesInRow = 0;
        }
    }

    /// <summary>The pieces that lie in files it has.</summary>
    public Bitfield Pieces()
    {
        var layout = _metainfo.Layout;
        var pieces = new Bitfield(layout.PieceCount);
        pieces.SetAll();
        for (var i = 0; i < _metainfo.Files.Count; i++)
        {
            var file = _metainfo.Files[i];
            if (file.Size == 0 || file.IsPad || (_paths[i] is not null && !_missing.ContainsKey(i)))
            {
                continue;
            }

            for (var piece = layout.PieceAt(file.Offset).Value; piece <= layout.PieceAt(file.End - 1).Value; piece++)
            {
                pieces.Clear(piece);
            }
        }

        return pieces;
    }
}
