using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Shoal.Daemon;

/// <summary>
/// Transmission's remote control protocol, for the many programs that speak it: the old one (up to version 4.0) and JSON-RPC
/// 2.0 (from 4.1 on), told apart by the request. Authentication is HTTP basic: any name, and a token as the password.
/// </summary>
internal static class TransmissionRpc
{
    public const string Version = "4.1.0 (Shoal)";
    public const string SemanticVersion = "6.0.0";

    private const string SessionHeader = "X-Transmission-Session-Id";
    private const int MaxBatch = 20;

    // "4.3.1": the codes of JSON-RPC.
    private const int ParseError = -32700;
    private const int InvalidRequest = -32600;
    private const int MethodNotFound = -32601;
    private const int InvalidParams = -32602;

    private static readonly JsonDocumentOptions Depth = new() { MaxDepth = 32, AllowDuplicateProperties = false };

    public static void Map(WebApplication web, DaemonServices services)
    {
        // A new one with each start, as Transmission has it.
        var session = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        web.MapMethods("/transmission/rpc", ["POST", "GET"], context => HandleAsync(context, services, session));
    }

    private static async Task HandleAsync(HttpContext context, DaemonServices services, string session)
    {
        var caller = DoorKeeper.Identify(context, services);
        if (caller.Scope is null)
        {
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"Shoal\"";
            await WriteAsync(
                    context,
                    StatusCodes.Status401Unauthorized,
                    "text/html",
                    "<h1>401: a token is needed as the password</h1>"
                )
                .ConfigureAwait(false);
            return;
        }

        // "When your request has the wrong id ... the server will return an HTTP 409 error with the right
        // X-Transmission-Session-Id in its own headers." A page of another site cannot read it, nor send it.
        context.Response.Headers[SessionHeader] = session;
        if (!Matches(context.Request.Headers[SessionHeader].ToString(), session))
        {
            context.Response.Headers["X-Transmission-Rpc-Version"] = SemanticVersion;
            await WriteAsync(
                    context,
                    StatusCodes.Status409Conflict,
                    "text/html",
                    $"<h1>409: Conflict</h1><p><code>{SessionHeader}: {session}</code></p>"
                )
                .ConfigureAwait(false);
            return;
        }

        ApiCall.Limit(context, ApiLimits.MaxUpload);
        var answer = await AnswerAsync(context.Request, services, caller, context.RequestAborted).ConfigureAwait(false);
        if (answer is null)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        await WriteAsync(context, StatusCodes.Status200OK, "application/json; charset=utf-8", answer.ToJsonString())
            .ConfigureAwait(false);
    }

    private static async Task<JsonNode?> AnswerAsync(
        HttpRequest request,
        DaemonServices services,
        Caller caller,
        CancellationToken cancel
    )
    {
        JsonNode? body;
        try
        {
            body = await JsonNode.ParseAsync(request.Body, null, Depth, cancel).ConfigureAwait(false);
        }
        catch (JsonException)
        {
            return Error(null, ParseError, "Parse error");
        }

        if (body is not JsonArray batch)
        {
            return await OneAsync(body, services, caller, cancel).ConfigureAwait(false);
        }

        if (batch.Count is 0 or > MaxBatch)
        {
            return Error(null, InvalidRequest, "Invalid Request");
        }

        var answers = new JsonArray();
        foreach (var one in batch)
        {
            if (await OneAsync(one, services, caller, cancel).ConfigureAwait(false) is { } answer)
            {
                answers.Add(answer);
            }
        }

        return answers.Count > 0 ? answers : null;
    }

    /// <summary>Null: a notification, which wants no answer.</summary>
    private static async Task<JsonNode?> OneAsync(
        JsonNode? body,
        DaemonServices services,
        Caller caller,
        CancellationToken cancel
    )
    {
        if (body is not JsonObject request)
        {
            return Error(null, InvalidRequest, "Invalid Request");
        }

        var isOld = !request.ContainsKey("jsonrpc");
        var tag = request[isOld ? "tag" : "id"]?.DeepClone();
        try
        {
            var method = request["method"] is JsonValue name && name.TryGetValue<string>(out var text) ? text : "";
            var arguments = request[isOld ? "arguments" : "params"] as JsonObject ?? [];
            var call = new TransmissionCall(
                TransmissionNames.ToNew(method),
                TransmissionNames.ToNew(arguments),
                isOld,
                services,
                caller
            );
            var result = await DoAsync(call, cancel).ConfigureAwait(false);
            return isOld ? OldAnswer(result, "success", tag)
                : request.ContainsKey("id") ? NewAnswer(result, tag)
                : null;
        }
        catch (ApiException error)
        {
            return isOld ? OldAnswer([], error.Message, tag) : Error(tag, CodeOf(error), error.Message);
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, which JSON can write.
            const string problem = "a text is no Unicode";
            return isOld ? OldAnswer([], problem, tag) : Error(tag, InvalidParams, problem);
        }
    }

    private static async Task<JsonObject> DoAsync(TransmissionCall call, CancellationToken cancel) =>
        call.Method switch
        {
            "torrent_get" => TransmissionTorrents.Get(call),
            "torrent_add" => await TransmissionTorrents.AddAsync(call, cancel).ConfigureAwait(false),
            "torrent_start" => await TransmissionTorrents
                .RunAsync(call, runs: true, forced: false)
                .ConfigureAwait(false),
            "torrent_start_now" => await TransmissionTorrents
                .RunAsync(call, runs: true, forced: true)
                .ConfigureAwait(false),
            "torrent_stop" => await TransmissionTorrents
                .RunAsync(call, runs: false, forced: false)
                .ConfigureAwait(false),
            "torrent_verify" => await TransmissionTorrents.VerifyAsync(call).ConfigureAwait(false),
            "torrent_reannounce" => TransmissionTorrents.Announce(call),
            "torrent_set" => await TransmissionMutation.SetAsync(call).ConfigureAwait(false),
            "torrent_remove" => await TransmissionTorrents.RemoveAsync(call).ConfigureAwait(false),
            "torrent_set_location" => await TransmissionTorrents.MoveAsync(call).ConfigureAwait(false),
            "torrent_rename_path" => await TransmissionMutation.RenamePathAsync(call).ConfigureAwait(false),
            "queue_move_top" or "queue_move_up" or "queue_move_down" or "queue_move_bottom" =>
                await TransmissionTorrents.MoveInQueueAsync(call).ConfigureAwait(false),
            "session_get" => TransmissionSession.Get(call),
            "session_set" => await TransmissionSession.SetAsync(call).ConfigureAwait(false),
            "session_stats" => TransmissionSession.Statistics(call),
            "session_close" => TransmissionSession.Close(call),
            "free_space" => TransmissionSession.FreeSpace(call),
            "port_test" => TransmissionSession.TestPort(call),
            "blocklist_update" => await TransmissionSession.UpdateBlocklistAsync(call, cancel).ConfigureAwait(false),
            "group_get" => new JsonObject { ["group"] = new JsonArray() },
            _ => throw new ApiException(404, "no-such-method", $"method name not recognized: {call.Method}"),
        };

    private static JsonObject OldAnswer(JsonObject result, string word, JsonNode? tag)
    {
        var answer = new JsonObject { ["result"] = word, ["arguments"] = result };
        if (tag is not null)
        {
            answer["tag"] = tag;
        }

        return answer;
    }

    private static JsonObject NewAnswer(JsonObject result, JsonNode? id) =>
        new()
        {
            ["jsonrpc"] = "2.0",
            ["result"] = result,
            ["id"] = id,
        };

    private static JsonObject Error(JsonNode? id, int code, string message) =>
        new()
        {
            ["jsonrpc"] = "2.0",
            ["error"] = new JsonObject
            {
                ["code"] = code,
                ["message"] = message,
                ["data"] = new JsonObject { ["error_string"] = message },
            },
            ["id"] = id,
        };

    private static int CodeOf(ApiException error) =>
        error.Code switch
        {
            "no-such-method" => MethodNotFound,
            "bad-value" or "not-a-torrent" or "bad-magnet" or "bad-source" or "path-not-allowed" => InvalidParams,
            _ => error.Status,
        };

    private static bool Matches(string given, string session) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(session));

    private static Task WriteAsync(HttpContext context, int status, string type, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }
}
