using System.Text;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

// The program, and the daemon that it drives.
public sealed partial class TransmissionRemoteTests
{
    /// <summary>transmission-remote, with a token as the password.</summary>
    private sealed class Remote(DaemonProcess daemon, string token, Host? host)
    {
        public static async Task<Remote> OfAsync(DaemonProcess daemon, Host? host)
        {
            var made = await daemon.Client.CreateTokenAsync(new NewToken("remote", AccessScope.Admin), None);
            return new Remote(daemon, made.Secret, host);
        }

        public async Task<string> RunAsync(params string[] arguments)
        {
            string[] all = [new Uri(daemon.Url).Authority, "-n", "any:" + token, .. arguments];
            return host is null
                ? await Lab.RunAsync("transmission-remote", all)
                : await host.RunAsync("transmission-remote", all);
        }

        /// <summary>What answers with success.</summary>
        public async Task DoAsync(params string[] arguments)
        {
            var answer = await RunAsync(arguments);
            Assert.True(
                answer.Contains("success", StringComparison.Ordinal),
                string.Join(' ', arguments) + ": " + answer
            );
        }

        public async Task<string> TryAsync(params string[] arguments)
        {
            try
            {
                return await RunAsync(arguments);
            }
            catch (Xunit.Sdk.XunitException error)
            {
                return error.Message;
            }
        }
    }

    /// <summary>A daemon on this machine with one torrent that is complete, or none.</summary>
    private sealed class Run : IAsyncDisposable
    {
        private readonly StateFolder _folder = new();
        private string _token = "";

        public DaemonProcess Daemon { get; private set; } = null!;
        public Remote Remote { get; private set; } = null!;
        public string Downloads => Path.Combine(_folder.Path, "downloads");

        public static async Task<Run> StartAsync(Sample? sample)
        {
            var run = new Run();
            // As a file, since the session may be told to change it.
            Directory.CreateDirectory(Path.Combine(run._folder.State, "daemon"));
            await File.WriteAllTextAsync(
                Path.Combine(run._folder.State, "daemon", "settings.toml"),
                $"[folders]\ndownload = '{run.Downloads}'\nallowed = ['{run._folder.Path}']\n[network]\nlsd = false\n"
            );
            run.Daemon = await DaemonProcess.StartBareAsync(run._folder.State);
            run.Remote = await Remote.OfAsync(run.Daemon, null);
            run._token = (
                await run.Daemon.Client.CreateTokenAsync(new NewToken("call", AccessScope.Admin), None)
            ).Secret;
            if (sample is not null)
            {
                DataSet.Copy(sample.Content, Path.Combine(run.Downloads, sample.Name));
                var metainfo = Convert.ToBase64String(await File.ReadAllBytesAsync(sample.File));
                await run.Daemon.Client.AddAsync(new AddTorrent { Metainfo = metainfo }, None);
                await run.Daemon.WaitCompleteAsync(sample.InfoHash);
            }

            return run;
        }

        /// <summary>A call as a program makes it: the first is told the id of the session.</summary>
        public async Task<JsonElement> CallAsync(string body)
        {
            using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
            http.DefaultRequestHeaders.Add(
                "Authorization",
                "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("x:" + _token))
            );
            var url = Daemon.Url + "transmission/rpc";
            using var refused = await http.PostAsync(url, new StringContent(body));
            Assert.Equal(409, (int)refused.StatusCode);
            http.DefaultRequestHeaders.Add(
                "X-Transmission-Session-Id",
                refused.Headers.GetValues("X-Transmission-Session-Id")
            );
            using var answer = await http.PostAsync(url, new StringContent(body));
            return JsonElement.Parse(await answer.Content.ReadAsStringAsync());
        }

        public async ValueTask DisposeAsync()
        {
            await Daemon.DisposeAsync();
            _folder.Dispose();
        }
    }
}
