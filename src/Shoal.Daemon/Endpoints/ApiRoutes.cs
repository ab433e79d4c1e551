using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>All calls there are. The routing, the OpenAPI document and the test of docs/api.md come from this table.</summary>
internal static class ApiRoutes
{
    public const string Root = "/api/v1";

    public static IReadOnlyList<ApiRoute> All { get; } =
    [
        .. StatusEndpoints.Routes,
        .. TorrentEndpoints.Routes,
        .. AddingEndpoints.Routes,
        .. DetailEndpoints.Routes,
        .. MakingEndpoints.Routes,
        .. CategoryEndpoints.Routes,
        .. StreamEndpoints.Routes,
        .. FeedEndpoints.Routes,
        .. MembershipEndpoints.Routes,
        .. SettingsEndpoints.Routes,
        .. AccessEndpoints.Routes,
        new("GET", "/openapi.json", null, "This API as an OpenAPI document.", WriteDocumentAsync),
    ];

    public static void Map(WebApplication web, DaemonServices services)
    {
        foreach (var route in All)
        {
            web.MapMethods(Root + route.Path, [route.Method], context => HandleAsync(context, services, route));
        }

        LoginPages.Map(web, services);
        Operations.Map(web, services);
        StreamEndpoints.Map(web, services);
        TransmissionRpc.Map(web, services);
        QBittorrentApi.Map(web, services);
        WebFiles.Map(web);
    }

    /// <exception cref="ApiException">The caller may not do that.</exception>
    public static Caller Admit(HttpContext context, DaemonServices services, AccessScope? needed)
    {
        var caller =
            needed is null && !DoorKeeper.IsOwner(context)
                ? new Caller(false, null, false)
                : DoorKeeper.Identify(context, services);
        if (needed is { } scope)
        {
            if (caller.Scope is not { } has)
            {
                throw new ApiException(401, "not-logged-in", "a token is needed: Authorization: Bearer TOKEN");
            }

            if (has < scope)
            {
                throw new ApiException(
                    403,
                    "scope",
                    $"this needs the scope {JsonNamingPolicy.KebabCaseLower.ConvertName(scope.ToString())}"
                );
            }
        }

        return caller;
    }

    private static Task HandleAsync(HttpContext context, DaemonServices services, ApiRoute route)
    {
        var caller = Admit(context, services, route.Scope);
        ApiCall.Limit(context, route.MaxBody);
        return route.Handle(new ApiCall(context, services, caller));
    }

    private static Task WriteDocumentAsync(ApiCall call)
    {
        call.Context.Response.ContentType = "application/json; charset=utf-8";
        return call.Context.Response.Body.WriteAsync(OpenApiDocument.Bytes, call.Aborted).AsTask();
    }
}
