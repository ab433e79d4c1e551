using Shoal.Cli;

namespace Shoal.UnitTests;

public sealed class SafeTextTests
{
    [Theory]
    [InlineData("plain name.txt", "plain name.txt")]
    [InlineData("naïve 音楽 🎬", "naïve 音楽 🎬")]
    [InlineData("\e[31mred", "\uFFFD[31mred")]
    [InlineData("two\nlines\r\t", "two\uFFFDlines\uFFFD\uFFFD")]
    [InlineData("gpj\u202Eexe", "gpj\uFFFDexe")]
    [InlineData("\u2066x\u2069\u200F\u061C", "\uFFFDx\uFFFD\uFFFD\uFFFD")]
    [InlineData("a\u2028b\u0085c\u007f", "a\uFFFDb\uFFFDc\uFFFD")]
    [InlineData("\u009b2J", "\uFFFD2J")]
    [InlineData(null, "")]
    public void Nothing_in_a_name_can_command_a_terminal(string? text, string safe) =>
        Assert.Equal(safe, SafeText.Of(text));

    // Not as inline data: attributes are stored as UTF-8, which has no lone surrogates.
    [Fact]
    public void Half_a_character_is_replaced() => Assert.Equal("\uFFFDx", SafeText.Of("\ud800x"));

    [Fact]
    public void Long_texts_are_cut()
    {
        Assert.Equal(new string('a', 10) + "…", SafeText.Of(new string('a', 1000), 10));
        Assert.Equal(4097, SafeText.Of(new string('a', 1 << 20)).Length);
    }

    [Theory]
    [InlineData("abcdef", 6, "abcdef")]
    [InlineData("abcdefghij", 7, "abcd…ij")]
    [InlineData("音楽音楽", 5, "音…楽")]
    [InlineData("abc", 1, "…")]
    [InlineData("abc", 0, "")]
    public void Names_are_fitted_to_cells(string text, int width, string fitted)
    {
        Assert.Equal(fitted, SafeText.Fit(text, width));
        Assert.True(SafeText.Width(SafeText.Fit(text, width)) <= width);
    }
}
