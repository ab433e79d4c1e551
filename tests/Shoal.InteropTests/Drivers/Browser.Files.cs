using System.Text.Json.Nodes;

namespace Shoal.InteropTests;

// Files that are handed to a page.
internal sealed partial class Browser
{
    /// <summary>Drops a file in the middle of the page.</summary>
    public async Task DropAsync(string file)
    {
        foreach (var type in new[] { "dragEnter", "dragOver", "drop" })
        {
            await CallAsync(
                "Input.dispatchDragEvent",
                new JsonObject
                {
                    ["type"] = type,
                    ["x"] = 200,
                    ["y"] = 300,
                    ["data"] = new JsonObject
                    {
                        ["items"] = new JsonArray(),
                        ["files"] = new JsonArray(JsonValue.Create(file)),
                        ["dragOperationsMask"] = 1,
                    },
                }
            );
        }
    }

    /// <summary>Chooses a file in a field for files.</summary>
    public async Task ChooseAsync(string selector, string file)
    {
        await WaitAsync($"document.querySelector({Quote(selector)})");
        var field = await CallAsync(
            "Runtime.evaluate",
            new JsonObject { ["expression"] = $"document.querySelector({Quote(selector)})" }
        );
        await CallAsync(
            "DOM.setFileInputFiles",
            new JsonObject
            {
                ["files"] = new JsonArray(JsonValue.Create(file)),
                ["objectId"] = (string)field["result"]!["objectId"]!,
            }
        );
    }
}
