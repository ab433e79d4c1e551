using System.Globalization;

namespace Shoal.InteropTests;

/// <summary>nginx on a host of a lab, on port 8080.</summary>
/// <param name="host">Where it runs.</param>
/// <param name="process">It.</param>
/// <param name="log">One line for each answer: status, bytes of the body, target.</param>
internal sealed class WebHost(Host host, ClientProcess process, string log)
{
    public const int Port = 8080;

    public ClientProcess Process => process;

    public string Url => UrlOf(host);

    /// <summary>Requests answered so far.</summary>
    public IReadOnlyList<(int Status, long Bytes, string Target)> Requests =>
        [
            .. File.ReadAllLines(log)
                .Select(line => line.Split(' ', 3))
                .Where(parts => parts.Length == 3)
                .Select(parts =>
                    (
                        int.Parse(parts[0], CultureInfo.InvariantCulture),
                        long.Parse(parts[1], CultureInfo.InvariantCulture),
                        parts[2]
                    )
                ),
        ];

    public long Sent => Requests.Sum(request => request.Bytes);

    public static string UrlOf(Host host) => $"http://{host.Address}:{Port}/";

    /// <summary>Serves a folder.</summary>
    /// <param name="host">Where.</param>
    /// <param name="root">The folder.</param>
    /// <param name="options">Directives of the server's block.</param>
    public static async Task<WebHost> StartAsync(Host host, string root, string options = "")
    {
        var folder = host.SubFolder("nginx");
        var log = Path.Combine(folder, "access.log");
        var config = Path.Combine(folder, "nginx.conf");
        var temporary = string.Join(
            "\n  ",
            new[] { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" }.Select(name =>
                $"{name}_temp_path {folder}/{name};"
            )
        );
        await File.WriteAllTextAsync(
            config,
            $$"""
            daemon off;
            # One process, whose end is the end of it.
            master_process off;
            pid {{folder}}/nginx.pid;
            error_log stderr notice;
            events { worker_connections 256; }
            http {
              log_format short '$status $body_bytes_sent $request_uri';
              access_log {{log}} short;
              {{temporary}}
              server {
                listen {{host.Address}}:{{Port}};
                root "{{root}}";
                {{options}}
              }
            }
            """
        );
        await File.AppendAllTextAsync(log, "");
        var process = host.Start("nginx", "-c", config, "-p", folder);
        await process.WaitForLineAsync(
            line => line.Contains("RLIMIT_NOFILE", StringComparison.Ordinal),
            TimeSpan.FromSeconds(10)
        );
        return new WebHost(host, process, log);
    }
}
