using Deque.AxeCore.Commons;

namespace Shoal.InteropTests;

/// <summary>axe-core, which finds what keeps people from using a page: contrast, names, roles, order.</summary>
internal static class Axe
{
    public const int PhoneWidth = 390;
    public const int PhoneHeight = 844;

    /// <summary>
    /// Fails the test where what the page shows now, on a phone, has a fault that is serious or critical there, in a window, or in a
    /// dark window; and where something sticks out to the side. It is on the phone again then.
    /// </summary>
    /// <param name="browser">With the page, of the size of a phone, and light.</param>
    /// <param name="what">Of the page is shown.</param>
    public static async Task CheckAllWaysAsync(Browser browser, string what)
    {
        await CheckAsync(browser, $"{what}, phone");
        await browser.SetSizeAsync(1280, 800);
        await CheckAsync(browser, what);
        // Of what axe looks at nothing but colours is another in the dark.
        await browser.SetDarkAsync(true);
        await CheckAsync(browser, $"{what}, dark", "runOnly: { type: 'rule', values: ['color-contrast'] },");
        await browser.SetDarkAsync(false);
        await browser.SetSizeAsync(PhoneWidth, PhoneHeight);
        await SettleAsync(browser);
    }

    private static async Task CheckAsync(Browser browser, string what, string options = "")
    {
        await SettleAsync(browser);
        if (!(bool)(await browser.EvaluateAsync("typeof axe === 'object'"))!)
        {
            await browser.EvaluateAsync(new BundledAxeScriptProvider().GetScript() + "; 0");
        }

        var found = (string)
            (
                await browser.EvaluateAsync(
                    $$"""
                    axe.run({ {{options}} resultTypes: ['violations'] }).then((result) => {
                      if (result.passes.length === 0) return 'nothing was looked at';
                      if (document.documentElement.scrollWidth > innerWidth) return 'it sticks out to the side';
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

    /// <summary>Until it is drawn in another size or colour.</summary>
    private static async Task SettleAsync(Browser browser) =>
        await browser.EvaluateAsync(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
        );
}
