using System.Security.Cryptography;

namespace Shoal.InteropTests;

/// <summary>A hub and members of a lab, each as a program on a machine of its own.</summary>
internal static class Invited
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    public static async Task<Host> StartHubAsync(Lab lab, params string[] more)
    {
        var host = await lab.AddHostAsync("hub");
        string[] options = ["--host", host.Address, "--announce-interval", "5s", "--state", host.SubFolder("state")];
        var hub = host.Start(Tools.Shoal, ["hub", .. options, .. more]);
        await hub.WaitForLineAsync(line => line.StartsWith("Hub at https://", StringComparison.Ordinal), Patience);
        return host;
    }

    public static async Task InviteAsync(Host hub, Host guest, string role)
    {
        string[] options = ["--name", guest.Name, "--role", role, "--state", hub.SubFolder("state")];
        var link = await hub.RunAsync(Tools.Shoal, ["invite", "create", .. options]);
        await File.WriteAllTextAsync(Path.Combine(guest.Folder, "link"), link);
    }

    /// <summary>With the invitation that the guest was given.</summary>
    public static ClientProcess Join(Host host, string options) =>
        host.Start("/bin/sh", "-c", $"exec '{Tools.Shoal}' join - {options} '{string.Join("' '", Here(host))}' < link");

    /// <summary>A publisher that has joined the hub and seeds a file of its own to the members; and the file.</summary>
    public static async Task<(Host Host, string Content, ClientProcess Process)> PublishAsync(
        Lab lab,
        Host hub,
        string name,
        int size,
        params string[] more
    )
    {
        var publisher = await lab.AddHostAsync("publisher");
        var content = Path.Combine(publisher.SubFolder("data"), name);
        await File.WriteAllBytesAsync(content, RandomNumberGenerator.GetBytes(size));
        await InviteAsync(hub, publisher, "publisher");
        Assert.Equal(0, await Join(publisher, "--no-fetch").WaitForExitAsync(Patience));
        var publishing = publisher.Start(
            Tools.Shoal,
            ["publish", content, "--hub", $"{hub.Address}:7450", .. more, .. Here(publisher)]
        );
        await publishing.WaitForLineAsync(line => ShoalClient.IsEvent(line, "listening"), Patience);
        return (publisher, content, publishing);
    }

    /// <summary>Options of everything that runs there.</summary>
    public static string[] Here(Host host) =>
        [
            "--json",
            "--port",
            $"{Host.Port}",
            "--bind",
            host.Address,
            "--no-port-mapping",
            "--state",
            host.SubFolder("state"),
        ];
}
