using Shoal.Daemon;

namespace Shoal.UnitTests;

/// <summary>What the documents say of the API is what it is.</summary>
public sealed class ApiDocumentTests
{
    [Fact]
    public void The_document_has_every_call_and_no_other()
    {
        var document = SourceTree.Read("docs/api.md");
        var documented = document
            .Split('\n')
            .Where(line =>
                line.StartsWith("| `", StringComparison.Ordinal) && line.Contains(" /", StringComparison.Ordinal)
            )
            .Select(line => line.Split('`')[1])
            .Where(call => call.Split(' ') is [_, ['/', ..]])
            .Order(StringComparer.Ordinal);
        Assert.Equal(
            ApiRoutes.All.Select(route => $"{route.Method} {route.Path}").Order(StringComparer.Ordinal),
            documented
        );
    }

    [Fact]
    public void Every_code_of_a_problem_is_in_the_document()
    {
        var document = SourceTree.Read("docs/api.md");
        var codes = SourceTree
            .CSharpFiles("src/Shoal.Daemon")
            .SelectMany(path =>
                System.Text.RegularExpressions.Regex.Matches(
                    SourceTree.Read(path),
                    "new ApiException\\(\\s*[\\w.]+,\\s*\"([a-z-]+)\""
                )
            )
            .Select(match => match.Groups[1].Value)
            .Append("bad-value")
            .Distinct()
            .ToList();
        Assert.True(codes.Count > 20);
        Assert.All(codes, code => Assert.Contains($"| `{code}` |", document, StringComparison.Ordinal));
    }

    [Fact]
    public void The_open_api_document_has_every_call_with_its_schemas()
    {
        var document = OpenApiDocument.Create();
        var paths = document["paths"]!.AsObject();
        Assert.All(
            ApiRoutes.All,
            route =>
            {
                var operation = paths[ApiRoutes.Root + route.Path]![route.Method.ToLowerInvariant()]!;
                Assert.Equal(route.Summary, (string?)operation["summary"]);
                Assert.Equal(route.Body is not null, operation["requestBody"] is not null);
                Assert.NotNull(operation["responses"]![$"{route.Status}"]);
            }
        );
        var schemas = document["components"]!["schemas"]!.AsObject();
        Assert.Contains("downloadRate", schemas["TorrentItem"]!["properties"]!.AsObject().Select(field => field.Key));
        // Whatever is referred to is there.
        var text = document.ToJsonString();
        var references = System.Text.RegularExpressions.Regex.Matches(text, "\"\\$ref\":\"#/([^\"]+)\"");
        Assert.NotEmpty(references);
        Assert.All(
            references,
            reference =>
            {
                System.Text.Json.Nodes.JsonNode? node = document;
                foreach (var step in reference.Groups[1].Value.Split('/'))
                {
                    node = node is System.Text.Json.Nodes.JsonArray list ? list[int.Parse(step)] : node?[step];
                }

                Assert.NotNull(node);
            }
        );
    }
}
