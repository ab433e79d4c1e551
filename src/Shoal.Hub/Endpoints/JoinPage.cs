using Microsoft.AspNetCore.Http;

namespace Shoal.Hub;

/// <summary>
/// What a browser shows for an invitation: how to go on. The secret stands in the fragment, which the browser keeps to
/// itself; the page has no script that could read it.
/// </summary>
internal static class JoinPage
{
    private const string Page = """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>Invitation</title>
        <body style="font:1.1em/1.5 sans-serif;max-width:40em;margin:2em auto;padding:0 1em">
        <h1>You are invited</h1>
        <p>This link is for the program <code>shoal</code>. Install it, then run</p>
        <pre>shoal join -</pre>
        <p>and paste the whole link, from <code>https</code> to its end, when it asks. It is as good as a key: do not pass
        it on, and do not put it where others read it.</p>
        """;

    public static Task AnswerAsync(HttpContext context)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.ContentSecurityPolicy =
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return context.Response.WriteAsync(Page, context.RequestAborted);
    }
}
