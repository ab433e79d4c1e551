using System.Text.Json;

namespace Shoal.InteropTests;

// The option for it came after version 3.00, which shows what files are called all the same.
public sealed partial class TransmissionRemoteTests
{
    [Fact]
    public async Task Files_folders_and_the_torrent_get_other_names()
    {
        var sample = await library.DataAsync("v1");
        await using var run = await Run.StartAsync(sample);
        Task<JsonElement> RenameAsync(string path, string name, params int[] ids) =>
            run.CallAsync(
                JsonSerializer.Serialize(
                    new
                    {
                        method = "torrent-rename-path",
                        arguments = new
                        {
                            ids,
                            path,
                            name,
                        },
                    }
                )
            );
        async Task<string> ResultAsync(string path, string name, params int[] ids) =>
            (await RenameAsync(path, name, ids)).GetProperty("result").GetString()!;

        var answer = (await RenameAsync(sample.Name + "/one byte", "first", 1)).GetProperty("arguments");
        Assert.Equal(
            (sample.Name + "/one byte", "first", 1),
            (
                answer.GetProperty("path").GetString(),
                answer.GetProperty("name").GetString(),
                answer.GetProperty("id").GetInt32()
            )
        );
        Assert.Equal("success", await ResultAsync(sample.Name + "/deep", "deeper", 1));
        Assert.Equal("success", await ResultAsync(sample.Name, "Whole", 1));
        var files = await run.Remote.RunAsync("-t", "1", "-f");
        Assert.Contains("Whole/first", files);
        Assert.Contains("Whole/deeper/1/2/3", files);
        Assert.Contains("Name: Whole", await run.Remote.RunAsync("-t", "1", "-i"));
        Assert.Equal("torrent-rename-path requires 1 torrent", await ResultAsync("Whole", "x"));
        Assert.Contains("already exists", await ResultAsync("Whole/first", "large.bin", 1));
        Assert.Contains("No such", await ResultAsync("Whole/nothing", "x", 1));
        Assert.Contains("not valid", await ResultAsync("Whole/first", "../x", 1));
        var modern = await run.CallAsync(
            """{"jsonrpc":"2.0","method":"torrent_rename_path","params":{"ids":[1],"path":"Whole/none","name":"x"},"id":1}"""
        );
        Assert.Equal(-32602, modern.GetProperty("error").GetProperty("code").GetInt32());

        Assert.Equal("success", await ResultAsync("Whole/first", "one byte", 1));
        Assert.Equal("success", await ResultAsync("Whole/deeper", "deep", 1));
        var whole = Path.Combine(run.Downloads, "Whole");
        for (
            var i = 0;
            Directory.Exists(Path.Combine(run.Downloads, sample.Name))
                || Directory.Exists(Path.Combine(whole, "deeper"));
            i++
        )
        {
            Assert.True(i < 400, "the files do not have their names");
            await Task.Delay(50);
        }

        DataSet.AssertSame(sample.Content, whole);
    }
}
