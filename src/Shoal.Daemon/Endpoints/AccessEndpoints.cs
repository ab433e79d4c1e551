using Microsoft.AspNetCore.Http;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>Tokens, and links that log browsers in.</summary>
internal static class AccessEndpoints
{
    public static IReadOnlyList<ApiRoute> Routes { get; } =
    [
        new(
            "GET",
            "/tokens",
            AccessScope.Admin,
            "Tokens and browsers that are logged in, without their secrets.",
            call => call.WriteAsync(call.Services.Access.List(), ApiJson.Default.TokenList)
        )
        {
            Answer = ApiJson.Default.TokenList,
        },
        new("POST", "/tokens", AccessScope.Admin, "Makes a token; its secret is shown this once.", CreateAsync)
        {
            Body = ApiJson.Default.NewToken,
            Answer = ApiJson.Default.CreatedToken,
            Status = 201,
        },
        new(
            "DELETE",
            "/tokens/{id}",
            AccessScope.Admin,
            "Revokes a token, by id or name, or ends a browser's login.",
            RemoveAsync
        )
        {
            Status = 204,
        },
        new(
            "POST",
            "/login-links",
            AccessScope.Admin,
            "Makes a link that logs a browser in, once, within a day.",
            LinkAsync
        )
        {
            Answer = ApiJson.Default.LoginLink,
            Status = 201,
        },
    ];

    private static async Task CreateAsync(ApiCall call)
    {
        var wish = await call.ReadAsync(ApiJson.Default.NewToken).ConfigureAwait(false);
        var made = call.Services.Access.Create(wish.Name, wish.Scope);
        Log.TokenMade(call.Services.AccessLog, made.Token.Name, made.Token.Id, $"{made.Token.Scope}");
        await call.WriteAsync(made, ApiJson.Default.CreatedToken, StatusCodes.Status201Created).ConfigureAwait(false);
    }

    private static Task RemoveAsync(ApiCall call)
    {
        var id = (string)call.Context.Request.RouteValues["id"]!;
        call.Services.Access.Remove(id);
        Log.TokenRevoked(call.Services.AccessLog, id);
        return call.WriteNothingAsync();
    }

    private static Task LinkAsync(ApiCall call)
    {
        var code = call.Services.Access.CreateCode();
        Log.LinkMade(call.Services.AccessLog);
        var link = new LoginLink(DaemonHost.LoginUrl(call.Services, code), code);
        return call.WriteAsync(link, ApiJson.Default.LoginLink, StatusCodes.Status201Created);
    }
}
