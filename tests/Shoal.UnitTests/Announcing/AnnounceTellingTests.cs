using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>Which failures of trackers a user is told of.</summary>
public sealed class AnnounceTellingTests
{
    private static readonly InfoHash V2 = new("22222222222222222222"u8);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFailureIsToldOnceForBothNamesOfAHybridAndAllAddresses(bool refuses)
    {
        var script = new AnnounceScript(
            "a|b",
            options =>
                options with
                {
                    InfoHashes = [AnnounceScript.V1, V2],
                    Origins = [IPAddress.Any, IPAddress.IPv6Any],
                }
        );
        if (refuses)
        {
            script.Trackers["a"] = script.Trackers["b"] = _ => new AnnounceAnswer { Failure = "no such torrent" };
        }

        script.Until(0.01);
        Assert.Equal(["a", "b"], script.Told);
        script.Until(48 * 60);
        // Four ask each, at their own times: of each round the first is heard.
        Assert.InRange(script.Told.Count, script.Log.Count / 4 - 2, script.Log.Count / 3);
        Assert.Contains("a", script.Told[^4..]);

        // It works for one name: what the other is told is told on.
        script.Trackers["a"] = job =>
            job.InfoHash == AnnounceScript.V1
                ? AnnounceScript.Good
                : new AnnounceAnswer { Failure = "no such torrent" };
        script.Until(51 * 60);
        script.Told.Clear();
        script.Until(57 * 60);
        Assert.Contains("a", script.Told);
    }
}
