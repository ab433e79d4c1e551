using System.Globalization;
using System.Text;

namespace Shoal.Benchmarks;

/// <summary>Draws how a swarm went: progress of the receivers, and below it how busy their uplinks were.</summary>
internal static class SwarmPlot
{
    // Seconds between the marks of the time axis.
    private static readonly int[] s_steps = [1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600];

    private const int Width = 720;
    private const int Left = 60;
    private const int Right = 20;
    private const int TopOfProgress = 40;
    private const int HeightOfProgress = 260;
    private const int TopOfUplinks = 350;
    private const int HeightOfUplinks = 110;

    public static void Write(string path, SwarmResult result)
    {
        var seconds = result.History.Progress[^1].Seconds;
        var last = Math.Max(seconds, result.Options.Bound) * 1.02;
        var svg = new StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} 500" font-family="sans-serif" font-size="12">
            <rect width="{Width}" height="500" fill="white"/>
            <text x="{Left}" y="22" font-size="14">{result.Options.Receivers} receivers: last at {result.Last:f2} of the bound, the origin gave {result.Copies:f2} copies</text>

            """
        );
        Axes(svg, last, TopOfProgress, HeightOfProgress, "received");
        Axes(svg, last, TopOfUplinks, HeightOfUplinks, "uplinks busy");
        var history = result.History.Progress;
        // From the outside in: all receivers, then the middle eight tenths, and the middle one as a line.
        Band(svg, history, 0, 10, "#c6dbef", last);
        Band(svg, history, 1, 9, "#6baed6", last);
        Line(svg, history.Select(at => (at.Seconds, at.Progress[5])), "#08306b", last, TopOfProgress, HeightOfProgress);
        Line(svg, result.History.Uplinks, "#a63603", last, TopOfUplinks, HeightOfUplinks);
        foreach (var top in new[] { (TopOfProgress, HeightOfProgress), (TopOfUplinks, HeightOfUplinks) })
        {
            var x = X(result.Options.Bound, last);
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<line x1=\"{x:f1}\" x2=\"{x:f1}\" y1=\"{top.Item1}\" y2=\"{top.Item1 + top.Item2}\" stroke=\"#555\" stroke-dasharray=\"4 3\"/>\n"
            );
        }

        svg.Append(
            CultureInfo.InvariantCulture,
            $"""
            <text x="{X(result.Options.Bound, last) - 4:f1}" y="{TopOfProgress
                + HeightOfProgress
                - 8}" text-anchor="end" fill="#555">bound {result.Options.Bound:f1} s</text>
            <text x="{Left + 8}" y="{TopOfProgress
                + 16}" fill="#333">all receivers, the middle 80 %, the middle one</text>
            </svg>

            """
        );
        File.WriteAllText(path, svg.ToString());
    }

    private static void Axes(StringBuilder svg, double last, int top, int height, string name)
    {
        for (var percent = 0; percent <= 100; percent += 25)
        {
            var y = Y(percent / 100.0, top, height);
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<line x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{y:f1}\" y2=\"{y:f1}\" stroke=\"#ddd\"/><text x=\"{Left - 6}\" y=\"{y + 4:f1}\" text-anchor=\"end\">{percent} %</text>\n"
            );
        }

        var step = s_steps.First(step => last / step <= 15 || step == 3600);
        for (var at = 0; at <= last; at += step)
        {
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<text x=\"{X(at, last):f1}\" y=\"{top + height + 16}\" text-anchor=\"middle\">{at}</text>\n"
            );
        }

        svg.Append(
            CultureInfo.InvariantCulture,
            $"<text x=\"{Width - Right}\" y=\"{top + height + 30}\" text-anchor=\"end\">{name}, over seconds</text>\n"
        );
    }

    private static void Band(
        StringBuilder svg,
        List<(double Seconds, double[] Progress)> history,
        int low,
        int high,
        string colour,
        double last
    )
    {
        var upper = history.Select(at => Point(at.Seconds, at.Progress[high], last, TopOfProgress, HeightOfProgress));
        var lower = Enumerable
            .Reverse(history)
            .Select(at => Point(at.Seconds, at.Progress[low], last, TopOfProgress, HeightOfProgress));
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<polygon points=\"{string.Join(' ', upper.Concat(lower))}\" fill=\"{colour}\"/>\n"
        );
    }

    private static void Line(
        StringBuilder svg,
        IEnumerable<(double Seconds, double Share)> points,
        string colour,
        double last,
        int top,
        int height
    ) =>
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<polyline points=\"{string.Join(' ', points.Select(at => Point(at.Seconds, at.Share, last, top, height)))}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\n"
        );

    private static string Point(double seconds, double share, double last, int top, int height) =>
        string.Create(CultureInfo.InvariantCulture, $"{X(seconds, last):f1},{Y(share, top, height):f1}");

    private static double X(double seconds, double last) => Left + seconds / last * (Width - Left - Right);

    private static double Y(double share, int top, int height) => top + (1 - share) * height;
}
