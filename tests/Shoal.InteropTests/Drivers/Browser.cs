using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Shoal.InteropTests;

/// <summary>Debian's Chromium without a window, on a machine of the lab, driven over its DevTools protocol.</summary>
internal sealed partial class Browser : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly JsonSerializerOptions Plainly = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly ClientProcess _process;
    private readonly ClientWebSocket _socket;
    private readonly List<string> _complaints = [];
    private string? _session;
    private int _lastId;

    private Browser(ClientProcess process, ClientWebSocket socket) => (_process, _socket) = (process, socket);

    /// <summary>What the page threw, and what the browser refused it, the content security policy among the reasons.</summary>
    public IReadOnlyList<string> Complaints => _complaints;

    /// <param name="host">Where it runs; its own settings are there, and empty.</param>
    /// <param name="width">Of the page, in CSS pixels.</param>
    public static async Task<Browser> StartAsync(Host host, int width = 1280, int height = 800)
    {
        await SettleAsync(host);
        var process = host.Start(
            "chromium",
            "--headless=new",
            // Root has no sandbox, and tests of networks need root.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-first-run",
            "--remote-debugging-port=0",
            $"--user-data-dir={host.SubFolder("chromium")}",
            $"--window-size={width},{height}",
            "about:blank"
        );
        var line = await process.WaitForLineAsync(
            line => line.Contains("DevTools listening on ws://", StringComparison.Ordinal),
            Patience
        );
        var socket = new ClientWebSocket();
        // A socket belongs to the network where it was made.
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancel) =>
            {
                var inside = Inside.Run(host, () => new Socket(SocketType.Stream, ProtocolType.Tcp));
                await inside.ConnectAsync(context.DnsEndPoint, cancel);
                return new NetworkStream(inside, ownsSocket: true);
            },
        };
        using var invoker = new HttpMessageInvoker(handler, disposeHandler: false);
        await socket.ConnectAsync(new Uri(Regex.Match(line, "ws://\\S+").Value), invoker, CancellationToken.None);
        var browser = new Browser(process, socket);
        var target = await browser.CallAsync("Target.createTarget", new JsonObject { ["url"] = "about:blank" });
        var attached = await browser.CallAsync(
            "Target.attachToTarget",
            new JsonObject { ["targetId"] = (string)target["targetId"]!, ["flatten"] = true }
        );
        browser._session = (string)attached["sessionId"]!;
        foreach (var part in new[] { "Page", "Runtime", "Log" })
        {
            await browser.CallAsync(part + ".enable");
        }

        await browser.SetSizeAsync(width, height);
        return browser;
    }

    public Task OpenAsync(string url) => CallAsync("Page.navigate", new JsonObject { ["url"] = url });

    /// <summary>Below 600 CSS pixels it is a phone.</summary>
    public Task SetSizeAsync(int width, int height) =>
        CallAsync(
            "Emulation.setDeviceMetricsOverride",
            new JsonObject
            {
                ["width"] = width,
                ["height"] = height,
                ["deviceScaleFactor"] = 1,
                ["mobile"] = width < 600,
            }
        );

    /// <summary>Whether its user likes dark pages.</summary>
    public Task SetDarkAsync(bool isDark) =>
        CallAsync(
            "Emulation.setEmulatedMedia",
            new JsonObject
            {
                ["features"] = new JsonArray(
                    new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = isDark ? "dark" : "light" }
                ),
            }
        );

    /// <summary>The value of an expression of the page.</summary>
    public async Task<JsonNode?> EvaluateAsync(string expression)
    {
        var answer = await CallAsync(
            "Runtime.evaluate",
            new JsonObject
            {
                ["expression"] = expression,
                ["returnByValue"] = true,
                ["awaitPromise"] = true,
            }
        );
        return answer["exceptionDetails"] is { } fault
            ? throw new InvalidOperationException($"{expression}: {fault.ToJsonString()}")
            : answer["result"]?["value"];
    }

    /// <summary>Until an expression of the page is true; fails the test if it never is.</summary>
    public async Task WaitAsync(string expression)
    {
        for (var wait = System.Diagnostics.Stopwatch.StartNew(); wait.Elapsed < Patience; await Task.Delay(50))
        {
            if (await IsSoAsync(expression))
            {
                return;
            }
        }

        var text = await EvaluateAsync("document.body.innerText");
        throw _process.Failure($"never had {expression}; the page says {text}; {string.Join("; ", _complaints)}");
    }

    private async Task<bool> IsSoAsync(string expression)
    {
        try
        {
            var value = await EvaluateAsync(
                $"(() => {{ try {{ return !!({expression}); }} catch {{ return false; }} }})()"
            );
            return value is not null && (bool)value;
        }
        catch (BrowserException)
        {
            // While a page comes in the place of another there is nobody to ask.
            return false;
        }
    }

    /// <summary>Presses what has this text, or is found by this selector, with the mouse.</summary>
    public async Task ClickAsync(string selector, string? text = null)
    {
        var find =
            $"[...document.querySelectorAll({Quote(selector)})].find(e => e.offsetParent !== null && {(text is null ? "true" : $"e.textContent.trim() === {Quote(text)}")})";
        // Before the style sheet is there things lie elsewhere.
        await WaitAsync($"document.readyState === 'complete' && {find} && !{find}.disabled");
        var box = await PlaceAsync(find);
        foreach (var type in new[] { "mousePressed", "mouseReleased" })
        {
            await CallAsync(
                "Input.dispatchMouseEvent",
                new JsonObject
                {
                    ["type"] = type,
                    ["x"] = box.X,
                    ["y"] = box.Y,
                    ["button"] = "left",
                    ["clickCount"] = 1,
                }
            );
        }
    }

    /// <summary>
    /// The middle of an element, when the mouse meets it there: the browser's other process, which gets the mouse first, knows where things
    /// are only once they have been drawn there.
    /// </summary>
    private async Task<(double X, double Y)> PlaceAsync(string find)
    {
        for (var wait = System.Diagnostics.Stopwatch.StartNew(); wait.Elapsed < Patience; await Task.Delay(20))
        {
            var box = await EvaluateAsync(
                $$"""
                new Promise((done) => {
                  {{find}}?.scrollIntoViewIfNeeded();
                  requestAnimationFrame(() => requestAnimationFrame(() => {
                    const e = {{find}};
                    const b = e?.getBoundingClientRect();
                    const at = b && [b.x + b.width / 2, b.y + b.height / 2];
                    done(at && e.contains(document.elementFromPoint(...at)) ? at : null);
                  }));
                })
                """
            );
            if (box is not null)
            {
                return ((double)box[0]!, (double)box[1]!);
            }
        }

        throw _process.Failure($"has {find} under something else");
    }

    /// <summary>Writes in place of what a field has.</summary>
    public async Task FillAsync(string selector, string text)
    {
        await WaitAsync($"document.querySelector({Quote(selector)})");
        await EvaluateAsync(
            $"(() => {{ const e = document.querySelector({Quote(selector)}); e.focus(); e.select(); }})()"
        );
        if (text.Length == 0)
        {
            await PressAsync("Backspace");
        }
        else
        {
            await TypeAsync(text);
        }
    }

    /// <summary>Writes where the focus is.</summary>
    public Task TypeAsync(string text) => CallAsync("Input.insertText", new JsonObject { ["text"] = text });

    /// <summary>Presses a key where the focus is.</summary>
    public async Task PressAsync(string key)
    {
        var code = key switch
        {
            "Enter" => 13,
            "Backspace" => 8,
            "Delete" => 46,
            "Tab" => 9,
            "Escape" => 27,
            " " => 32,
            "End" => 35,
            "Home" => 36,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            _ => 0,
        };
        foreach (var type in new[] { "keyDown", "keyUp" })
        {
            var press = new JsonObject
            {
                ["type"] = type,
                ["key"] = key,
                ["windowsVirtualKeyCode"] = code,
            };
            if (type == "keyDown" && (key.Length == 1 || key == "Enter"))
            {
                press["text"] = key == "Enter" ? "\r" : key;
            }

            await CallAsync("Input.dispatchKeyEvent", press);
        }
    }

    /// <summary>The page as a PNG.</summary>
    public async Task<byte[]> ScreenshotAsync() =>
        Convert.FromBase64String((string)(await CallAsync("Page.captureScreenshot"))["data"]!);

    /// <summary>As a string of JavaScript, and of a selector too.</summary>
    public static string Quote(string text) => JsonSerializer.Serialize(text, Plainly);

    /// <summary>The process itself ends with its host; its children are asked to go before.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_socket.State == WebSocketState.Open)
        {
            await CallAsync("Browser.close", ofPage: false);
            await _process.StopAsync();
        }

        _socket.Dispose();
    }

    /// <summary>
    /// Chromium gives up what it loads when an address of the machine changes, and those of IPv6 are tentative for a second or two
    /// after an interface came up.
    /// </summary>
    private static async Task SettleAsync(Host host)
    {
        const int tentative = 0x40; // IFA_F_TENTATIVE
        for (var wait = System.Diagnostics.Stopwatch.StartNew(); wait.Elapsed < Patience; await Task.Delay(100))
        {
            var addresses = Inside.Run(host, () => File.ReadAllLines("/proc/thread-self/net/if_inet6"));
            // Address, index, prefix, scope, flags, name.
            if (!Array.Exists(addresses, line => (Convert.ToInt32(line.Split(' ')[4], 16) & tentative) != 0))
            {
                return;
            }
        }
    }

    private async Task<JsonNode> CallAsync(string method, JsonObject? parameters = null, bool ofPage = true)
    {
        using var limit = new CancellationTokenSource(Patience);
        var call = new JsonObject
        {
            ["id"] = ++_lastId,
            ["method"] = method,
            ["params"] = parameters ?? [],
        };
        if (ofPage && _session is not null)
        {
            call["sessionId"] = _session;
        }

        await _socket.SendAsync(
            JsonSerializer.SerializeToUtf8Bytes(call),
            WebSocketMessageType.Text,
            endOfMessage: true,
            limit.Token
        );
        while (true)
        {
            var message = await ReceiveAsync(limit.Token);
            if ((int?)message["id"] == _lastId)
            {
                return message["error"] is { } error
                    ? throw new BrowserException($"{method}: {error.ToJsonString()}")
                    : message["result"]!;
            }

            Note(message);
        }
    }

    private void Note(JsonNode message)
    {
        var what = message["params"];
        if ((string?)message["method"] == "Runtime.exceptionThrown")
        {
            _complaints.Add(what!["exceptionDetails"]!.ToJsonString());
        }
        else if ((string?)message["method"] == "Log.entryAdded" && (string?)what!["entry"]!["level"] is "error")
        {
            _complaints.Add(what["entry"]!.ToJsonString());
        }
    }

    private async Task<JsonNode> ReceiveAsync(CancellationToken cancel)
    {
        using var whole = new MemoryStream();
        var part = new byte[64 * 1024];
        while (true)
        {
            var got = await _socket.ReceiveAsync(part.AsMemory(), cancel);
            whole.Write(part, 0, got.Count);
            if (got.EndOfMessage)
            {
                return JsonNode.Parse(whole.GetBuffer().AsSpan(0, (int)whole.Length))!;
            }
        }
    }
}

/// <summary>The browser did not do what it was asked for.</summary>
internal sealed class BrowserException(string message) : Exception(message);
