using System.Text.RegularExpressions;

namespace Shoal.UnitTests;

/// <summary>docs/security.md says which test proves what; a promise whose test is gone would be a false one.</summary>
public sealed partial class SecurityDocTests
{
    [Fact]
    public void Every_test_that_the_threat_model_names_is_there()
    {
        var tests = SourceTree
            .CSharpFiles("tests")
            .GroupBy(path => Path.GetFileNameWithoutExtension(path))
            .ToDictionary(group => group.Key, group => string.Concat(group.Select(SourceTree.Read)));
        var named = NamedTest().Matches(SourceTree.Read("docs/security.md"));
        Assert.NotEmpty(named);
        Assert.All(
            named,
            match =>
                Assert.Matches(
                    $@"public (async )?(void|Task) {match.Groups["test"].Value}\(",
                    tests.GetValueOrDefault(match.Groups["class"].Value, $"no {match.Value}")
                )
        );
    }

    [GeneratedRegex(@"`(?<class>\w+Tests)\.(?<test>\w+)`")]
    private static partial Regex NamedTest();
}
