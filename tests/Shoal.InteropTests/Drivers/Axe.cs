using Deque.AxeCore.Commons;

namespace Shoal.InteropTests;

/// <summary>axe-core, which finds what keeps people from using a page: contrast, names, roles, order.</summary>
internal static class Axe
{
    /// <summary>Fails the test where what the page shows now has a fault that is serious or critical.</summary>
    /// <param name="browser">With the page.</param>
    /// <param name="what">Of the page is shown.</param>
    public static async Task CheckAsync(Browser browser, string what)
    {
        if (!(bool)(await browser.EvaluateAsync("typeof axe === 'object'"))!)
        {
            await browser.EvaluateAsync(new BundledAxeScriptProvider().GetScript() + "; 0");
        }

        var found = (string)
            (
                await browser.EvaluateAsync(
                    """
                    axe.run({ resultTypes: ['violations'] }).then((result) => {
                      if (result.passes.length === 0) return 'nothing was looked at';
                      return result.violations
                        .filter((fault) => fault.impact === 'serious' || fault.impact === 'critical')
                        .map((fault) => `${fault.id}: ${fault.nodes.slice(0, 3).map((node) => `${node.html} (${node.failureSummary})`).join(' ')}`)
                        .join('\n');
                    })
                    """
                )
            )!;
        Assert.True(found.Length == 0, $"{what}: {found}");
    }
}
