using System.CommandLine;

namespace Shoal.Cli;

/// <summary>What the network options mean to a daemon, whose file has the rest.</summary>
internal static class NetworkSettings
{
    /// <summary>Adds a setting where its option was given.</summary>
    public static void Put<T>(
        this Dictionary<string, object> settings,
        ParseResult result,
        Option<T> option,
        string key,
        Func<T, object> value
    )
    {
        if (result.GetResult(option) is { Implicit: false } && result.GetValue(option) is { } given)
        {
            settings[key] = value(given);
        }
    }
}
