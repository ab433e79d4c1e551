using System.Diagnostics;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Pipes where files should be: opening one waits for ever, so nobody opens one.</summary>
public sealed class SpecialFileTests
{
    private static readonly BuiltTorrent Torrent = new TorrentBuilder(TorrentFormat.Hybrid)
        .File("a", 100_000, 1)
        .File("pipe", 50_000, 2)
        .Build();

    [Fact]
    public void Pipes_are_told_from_files_folders_and_nothing()
    {
        using var folder = new TempFolder();
        File.CreateSymbolicLink(folder["link"], MakePipe(folder, "pipe"));
        folder.Write("file", 10);
        Assert.True(SpecialFiles.IsAt(folder["pipe"]));
        Assert.True(SpecialFiles.IsAt(folder["link"]));
        Assert.True(SpecialFiles.IsAt("/dev/null"));
        Assert.False(SpecialFiles.IsAt(folder["file"]));
        Assert.False(SpecialFiles.IsAt(folder.Path));
        Assert.False(SpecialFiles.IsAt(folder["nothing"]));
    }

    [Fact]
    public async Task A_folder_with_a_pipe_is_not_shared_and_the_pipe_is_named()
    {
        using var folder = new TempFolder();
        folder.Write("share/a", 1000);
        var pipe = MakePipe(folder, "share/pipe");
        var run = await CliRun.Of("create", folder["share"], "-o", folder["x.torrent"]);
        run.IsOneLine(1, pipe, "is a pipe");
        Assert.False(File.Exists(folder["x.torrent"]));
    }

    [Fact]
    public async Task A_pipe_in_the_place_of_a_file_is_bad_data_when_verifying()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["content"]);
        MakePipe(folder, "content/pipe");
        var result = await ContentVerifier.VerifyAsync(
            Torrent.Metainfo,
            folder.Path,
            cancellationToken: TestContext.Current.CancellationToken
        );
        Assert.False(result.IsComplete);
        Assert.Equal(0, result.GoodBytes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_disk_refuses_a_pipe_for_reading_and_for_writing(bool writable)
    {
        using var folder = new TempFolder();
        var pipe = MakePipe(folder, "pipe");
        var error = Assert.Throws<IOException>(() => new LocalFileSystem().Open(pipe, writable, create: writable));
        Assert.Contains(pipe, error.Message, StringComparison.Ordinal);
    }

    private static string MakePipe(TempFolder folder, string name)
    {
        using var mkfifo = Process.Start("mkfifo", folder[name]);
        mkfifo.WaitForExit();
        Assert.Equal(0, mkfifo.ExitCode);
        return folder[name];
    }
}
