using System.Text.Json;
using Shoal.Daemon;

namespace Shoal.UnitTests;

/// <summary>What is told of a setting that is not what it should be.</summary>
public sealed class SettingFaultTests
{
    private static readonly Dictionary<string, object> Nothing = [];

    [Theory]
    [InlineData(
        "[limits]\ndownload = fast",
        2,
        "limits.download",
        "'fast' is not a whole number of 0 or more (bytes a second; 0: no limit)"
    )]
    [InlineData("[network]\ntransport = tcp", 2, "network.transport", "a text stands in quotes")]
    [InlineData("[network]\nport =", 2, "network.port", "missing; it is a whole number from 0 to 65535")]
    [InlineData("[limits]\n\ndownload = -1", 3, "limits.download", "0 or more")]
    [InlineData("[limits]\ndownload = \"1\"", 2, "limits.download", "a whole number")]
    [InlineData("[limits]\ndownload = 1\ndownload = 2", 3, "limits.download", "line 2 already")]
    [InlineData("[limits]\ndownlod = 1", 2, "limits.downlod", "no setting")]
    [InlineData("download-rate 5", 1, null, "name = value")]
    [InlineData("[network\nport = 1", 1, null, "[name]")]
    [InlineData("[network]\nport = 70000", 2, "network.port", "from 0 to 65535")]
    [InlineData("[network]\ntransport = \"sctp\"", 2, "network.transport", "tcp, utp, both")]
    [InlineData("[network]\nbind = [\"a\"", 2, "network.bind", "expected , or ]")]
    [InlineData("[network]\nproxy = \"socks5://", 2, "network.proxy", "does not end")]
    [InlineData("[folders]\ndownload = \"films\"", 2, "folders.download", "not a full path")]
    [InlineData(
        "[events]\nadded = [\"sort-film\", \"{path}\"]",
        2,
        "events.added",
        "'sort-film' is not the full path of a program"
    )]
    [InlineData("[events]\nfailed = [\"\"]", 2, "events.failed", "'' is not the full path of a program")]
    [InlineData("[http]\nlisten = [\"9470\"]", 2, "http.listen", "127.0.0.1:9470")]
    [InlineData("[queue]\nratio = 1.5 x", 2, "queue.ratio", "does not belong there")]
    [InlineData("[queue]\nratio =", 2, "queue.ratio", "missing")]
    [InlineData("[queue]\nratio = NaN", 2, "queue.ratio", "from 0 to")]
    public void A_mistake_is_told_with_its_line_and_key(string text, int line, string? key, string says)
    {
        var error = Assert.Throws<SettingsException>(() => Read(text));
        Assert.Equal((line, key), (error.Line, error.Key));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_value_of_any_setting_is_told_with_key_value_and_what_is_expected_by_command_call_and_file()
    {
        using var folder = new TempFolder();
        using var store = SettingsStore.Open(folder["settings.toml"], Nothing);
        foreach (var setting in SettingsTable.All)
        {
            foreach (var (json, shown) in WrongValues(setting))
            {
                var values = new Dictionary<string, JsonElement> { [setting.Key] = JsonElement.Parse(json) };
                var call = await Assert.ThrowsAsync<ApiException>(() => store.ChangeAsync(values, isOwner: true));
                Assert.Equal((400, "bad-value", setting.Key), (call.Status, call.Code, call.Key));
                AssertSays(setting, shown, call.Message);
                if (json is "[1]" || json[0] == '{')
                {
                    continue; // No values of the file at all.
                }

                // JSON and TOML write the others alike.
                var file = Assert.Throws<SettingsException>(() =>
                    Read($"# mine\n[{setting.Section}]\n{setting.Name} = {json}")
                );
                Assert.Equal((3, setting.Key), (file.Line, file.Key));
                Assert.StartsWith("line 3, ", file.Message, StringComparison.Ordinal);
                AssertSays(setting, shown, file.Message["line 3, ".Length..]);
            }

            if (setting.Kind is SettingKind.Integer or SettingKind.Number or SettingKind.Boolean)
            {
                Assert.Null(SettingInput.Parse(setting.Key, "abc\n", out var fault));
                AssertSays(setting, "'abc\\u000a'", fault);
            }
        }

        Assert.Null(SettingInput.Parse("limits.port", "1", out var missing));
        Assert.Equal("there is no setting limits.port; network.port is meant?", missing);
        Assert.Empty((await store.ReloadAsync()).Changed);
    }

    // As JSON, and as it is shown.
    private static IEnumerable<(string Json, string Shown)> WrongValues(SettingDefinition setting)
    {
        var tooLong = new string('x', 5000);
        yield return ("{\"a\":1}", "{\"a\":1}");
        switch (setting.Kind)
        {
            case SettingKind.Integer or SettingKind.Number:
                yield return ("\"abc\"", "\"abc\"");
                yield return ("true", "true");
                yield return ("-7", "-7");
                yield return ($"\"{tooLong}\"", "\"xxxxx");
                if (setting.Kind == SettingKind.Integer)
                {
                    yield return ("1.5", "1.5");
                }

                if (setting.Max < long.MaxValue)
                {
                    yield return ("1000000000000", "1000000000000");
                }

                break;
            case SettingKind.Boolean:
                yield return ("\"yes\"", "\"yes\"");
                yield return ("1", "1");
                break;
            case SettingKind.Text:
                yield return ("5", "5");
                yield return ("[\"a\"]", "[\"a\"]");
                if (setting.Words.Count > 0 || setting.Check is not null)
                {
                    yield return ("\"no \\u0007 good\"", "'no \\u0007 good'");
                    yield return ("\"no/good\"", "'no/good'");
                    yield return ($"\"{tooLong}/\"", "'xxxxx");
                }

                break;
            default:
                yield return ("5", "5");
                yield return ("\"text: secret\"", "\"text: secret\"");
                yield return ("[1]", "[1]");
                if (setting.Check is not null || setting.CheckFirst is not null)
                {
                    yield return ("[\"no/good\"]", "'no/good'");
                    yield return ($"[\"{tooLong}/\"]", "'xxxxx");
                }

                break;
        }
    }

    private static void AssertSays(SettingDefinition setting, string shown, string message)
    {
        Assert.StartsWith(setting.Key + ": ", message, StringComparison.Ordinal);
        Assert.DoesNotContain(message, char.IsControl);
        Assert.InRange(message.Length, 0, 500);
        if (setting.IsSecret)
        {
            Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
            Assert.DoesNotContain("good", message, StringComparison.Ordinal);
        }
        else
        {
            Assert.Contains(shown, message, StringComparison.Ordinal);
        }

        // What it is not, and what it should be: by the definition, or with an example.
        if (setting.Kind is SettingKind.Integer or SettingKind.Number)
        {
            Assert.EndsWith($" is not {setting.Expected}", message, StringComparison.Ordinal);
            Assert.Contains($"({setting.Unit})", message, StringComparison.Ordinal);
            Assert.NotEmpty(setting.Unit);
        }
        else if (!message.Contains("control characters", StringComparison.Ordinal))
        {
            Assert.Matches("(is|are) (not|neither)|there is no|expected|missing", message);
        }
    }

    private static DaemonSettings Read(string text) => DaemonSettings.Of(SettingsReader.Read(text), Nothing);
}
