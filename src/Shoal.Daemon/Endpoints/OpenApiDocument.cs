using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>The API in the words of OpenAPI 3.1, made of the table of calls and of the types they speak.</summary>
internal static partial class OpenApiDocument
{
    private static readonly Lazy<byte[]> Made = new(() =>
        JsonSerializer.SerializeToUtf8Bytes(Create(), DocumentJson.Default.JsonObject)
    );

    public static ReadOnlyMemory<byte> Bytes => Made.Value;

    public static JsonObject Create()
    {
        var schemas = new JsonObject();
        var paths = new JsonObject();
        foreach (var route in ApiRoutes.All)
        {
            var path = ApiRoutes.Root + route.Path;
            if (paths[path] is not JsonObject methods)
            {
                paths[path] = methods = [];
            }

            methods[route.Method.ToLowerInvariant()] = Operation(route, schemas);
        }

        Refer(ApiJson.Default.Problem, schemas);
        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject { ["title"] = "Shoal daemon", ["version"] = EngineVersion.Number },
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["schemas"] = schemas,
                ["securitySchemes"] = new JsonObject
                {
                    ["token"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer" },
                },
            },
        };
    }

    private static JsonObject Operation(ApiRoute route, JsonObject schemas)
    {
        var parameters = new JsonArray();
        foreach (Match name in PathParameter().Matches(route.Path))
        {
            parameters.Add(
                (JsonNode)
                    new JsonObject
                    {
                        ["name"] = name.Groups[1].Value,
                        ["in"] = "path",
                        ["required"] = true,
                        ["schema"] = new JsonObject { ["type"] = "string" },
                    }
            );
        }

        foreach (var (name, help) in route.Query)
        {
            parameters.Add(
                (JsonNode)
                    new JsonObject
                    {
                        ["name"] = name,
                        ["in"] = "query",
                        ["description"] = help,
                        ["schema"] = new JsonObject { ["type"] = "string" },
                    }
            );
        }

        var operation = new JsonObject { ["summary"] = route.Summary, ["parameters"] = parameters };
        if (route.Scope is { } scope)
        {
            operation["security"] = new JsonArray(
                new JsonObject
                {
                    ["token"] = new JsonArray(JsonNamingPolicy.KebabCaseLower.ConvertName(scope.ToString())),
                }
            );
        }

        if (route.Body is { } body)
        {
            operation["requestBody"] = new JsonObject
            {
                ["required"] = true,
                ["content"] = Content("application/json", body, schemas),
            };
        }

        var done = new JsonObject { ["description"] = "Done." };
        if (route.Answer is { } answer)
        {
            done["content"] = Content("application/json", answer, schemas);
        }

        operation["responses"] = new JsonObject
        {
            [$"{route.Status}"] = done,
            ["default"] = new JsonObject
            {
                ["description"] = "It was not done.",
                ["content"] = Content("application/problem+json", ApiJson.Default.Problem, schemas),
            },
        };
        return operation;
    }

    private static JsonObject Content(string media, JsonTypeInfo type, JsonObject schemas) =>
        new() { [media] = new JsonObject { ["schema"] = Refer(type, schemas) } };

    private static JsonNode Refer(JsonTypeInfo type, JsonObject schemas)
    {
        if (type.Kind != JsonTypeInfoKind.Object)
        {
            return type.GetJsonSchemaAsNode();
        }

        var name = type.Type.Name;
        if (!schemas.ContainsKey(name))
        {
            // References inside lead to places in the schema itself; here it is a part of a document.
            var text = type.GetJsonSchemaAsNode()
                .ToJsonString()
                .Replace("\"#/", $"\"#/components/schemas/{name}/", StringComparison.Ordinal);
            schemas[name] = JsonNode.Parse(text);
        }

        return new JsonObject { ["$ref"] = $"#/components/schemas/{name}" };
    }

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex PathParameter();
}

[System.Text.Json.Serialization.JsonSerializable(typeof(JsonObject))]
internal sealed partial class DocumentJson : System.Text.Json.Serialization.JsonSerializerContext;
