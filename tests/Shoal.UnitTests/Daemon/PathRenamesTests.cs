using Shoal.Api;
using Shoal.Daemon;

namespace Shoal.UnitTests;

/// <summary>Renaming by path, as the protocols of other programs have it.</summary>
public sealed class PathRenamesTests
{
    private static readonly (int Index, string Path)[] Names =
    [
        (0, "show/one.mkv"),
        (2, "show/two.mkv"),
        (3, "show/subs/one.srt"),
        (5, "show/subs/more/two.srt"),
        (6, "show/subs2/three.srt"),
    ];

    [Theory]
    [InlineData("show/one.mkv", "show/1.mkv", "0=show/1.mkv")]
    [InlineData("show/subs/one.srt", "elsewhere/one.srt", "3=elsewhere/one.srt")]
    [InlineData("show/one.mkv", "show/one.mkv", "")]
    [InlineData("show/one.mkv", "show/two.mkv", "The file already exists: 'show/two.mkv'.")]
    [InlineData("show/none.mkv", "x", "No such file: 'show/none.mkv'.")]
    [InlineData("show/subs", "x", "No such file: 'show/subs'.")]
    [InlineData("", "x", "No such file: ''.")]
    public void A_file_is_known_by_its_path(string from, string to, string result) =>
        Assert.Equal(
            result,
            PathRenames.TryFile(Names, from, to, out var renames, out var fault) ? Text(renames) : fault
        );

    [Theory]
    [InlineData("show/subs", "show/texts", "3=show/texts/one.srt 5=show/texts/more/two.srt")]
    [InlineData("show/subs/", "/t/", "3=t/one.srt 5=t/more/two.srt")]
    [InlineData("show/subs", "show/subs/more", "3=show/subs/more/one.srt 5=show/subs/more/more/two.srt")]
    [InlineData("show/subs/more", "show/subs/other", "5=show/subs/other/two.srt")]
    [InlineData("show/subs", "show/subs", "")]
    [InlineData("show/subs", "show/subs2", "The folder already exists: 'show/subs2'.")]
    [InlineData("show/subs", "show", "The folder already exists: 'show'.")]
    [InlineData("show/one.mkv", "x", "No such folder: 'show/one.mkv'.")]
    [InlineData("sho", "x", "No such folder: 'sho'.")]
    [InlineData("/", "x", "No such folder: ''.")]
    [InlineData("show", "", "The new path is invalid: ''.")]
    public void A_folder_takes_all_that_is_in_it_along(string from, string to, string result) =>
        Assert.Equal(
            result,
            PathRenames.TryFolder(Names, from, to, out var renames, out var fault) ? Text(renames) : fault
        );

    [Theory]
    [InlineData("show/one.mkv", "1.mkv", "0=show/1.mkv")]
    [InlineData("show/subs", "texts", "3=show/texts/one.srt 5=show/texts/more/two.srt")]
    [InlineData("show/subs/more", "x", "5=show/subs/x/two.srt")]
    [InlineData("show/one.mkv", "two.mkv", "The file already exists: 'show/two.mkv'.")]
    [InlineData("show/subs", "subs2", "The folder already exists: 'show/subs2'.")]
    [InlineData("nothing", "x", "No such folder: 'nothing'.")]
    [InlineData("show/one.mkv", "", "Name is not valid: ''.")]
    [InlineData("show/one.mkv", "..", "Name is not valid: '..'.")]
    [InlineData("show/one.mkv", "a/b", "Name is not valid: 'a/b'.")]
    public void A_name_is_for_what_stays_where_it_is(string path, string name, string result) =>
        Assert.Equal(
            result,
            PathRenames.TryName(Names, path, name, out var renames, out var fault) ? Text(renames) : fault
        );

    private static string Text(IReadOnlyList<FileRename> renames) =>
        string.Join(' ', renames.Select(rename => $"{rename.Index}={rename.Path}"));
}
