using System.Net;

namespace Shoal.Protocol;

/// <summary>What the files of a system say about names: <c>/etc/hosts</c> and <c>/etc/resolv.conf</c>.</summary>
public static class NameFiles
{
    /// <summary>Servers that are asked; the system's own resolver takes as many.</summary>
    private const int MaxServers = 3;

    private const int MaxSuffixes = 6;
    private static readonly char[] Blanks = [' ', '\t', '\r'];

    /// <summary>The addresses of a name in a file of hosts; empty: it is not there.</summary>
    public static IReadOnlyList<IPAddress> FindHost(string hosts, string name)
    {
        var found = new List<IPAddress>();
        foreach (var words in Words(hosts))
        {
            if (
                words.Length > 1
                && words.Skip(1).Contains(name.TrimEnd('.'), StringComparer.OrdinalIgnoreCase)
                && IPAddress.TryParse(words[0], out var address)
            )
            {
                found.Add(address);
            }
        }

        return found;
    }

    /// <summary>The servers to ask, and what to put after a name without a dot.</summary>
    public static (IReadOnlyList<IPAddress> Servers, IReadOnlyList<string> Suffixes) ReadConfiguration(string text)
    {
        var servers = new List<IPAddress>();
        IReadOnlyList<string> suffixes = [];
        foreach (var words in Words(text))
        {
            switch (words[0])
            {
                case "nameserver" when words.Length > 1 && servers.Count < MaxServers:
                    if (IPAddress.TryParse(words[1], out var server))
                    {
                        servers.Add(server);
                    }

                    break;
                // The last of these counts.
                case "search" or "domain":
                    suffixes = [.. words.Skip(1).Take(MaxSuffixes)];
                    break;
            }
        }

        return (servers, suffixes);
    }

    private static IEnumerable<string[]> Words(string text)
    {
        foreach (var line in text.Split('\n'))
        {
            var end = line.IndexOfAny(['#', ';']);
            var words = (end < 0 ? line : line[..end]).Split(Blanks, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0)
            {
                yield return words;
            }
        }
    }
}
