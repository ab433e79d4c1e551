namespace Shoal.InteropTests;

/// <summary>
/// The pages of "Manage" on a phone, of one daemon for all tests of a class. Another machine serves feeds; addresses are as everywhere
/// in the world, since a daemon fetches nothing from its own network for who comes over HTTP.
/// </summary>
public sealed class ManagedPage() : DaemonPage("manage", Axe.PhoneWidth, Axe.PhoneHeight, "44.99.0")
{
    /// <summary>The dialog that is over the others.</summary>
    internal const string Front = "[...document.querySelectorAll('dialog[open]')].at(-1)";

    /// <summary>Opens one of the pages, and sees that axe finds nothing in it.</summary>
    internal static async Task OpenAsync(Browser browser, string page)
    {
        if (!(bool)(await browser.EvaluateAsync("!!document.querySelector('dialog')"))!)
        {
            await browser.ClickAsync("header button", "Manage");
        }

        await browser.ClickAsync("dialog [role=tab]", page);
        await browser.WaitAsync("document.querySelector('dialog .page').textContent.includes(' ')");
        await Axe.CheckAllWaysAsync(browser, page);
    }

    /// <summary>Sends the dialog in front, after axe has looked at it, and waits until it is gone.</summary>
    internal static async Task SubmitAsync(Browser browser, string title)
    {
        await WaitTitleAsync(browser, title);
        await Axe.CheckAllWaysAsync(browser, title);
        await browser.ClickAsync("dialog [type=submit]");
        await browser.WaitAsync($"{Front}.querySelector('h2').textContent !== {Browser.Quote(title)}");
    }

    internal static Task WaitTitleAsync(Browser browser, string title) =>
        browser.WaitAsync($"{Front}.querySelector('h2').textContent === {Browser.Quote(title)}");

    /// <summary>Until the dialog in front says something.</summary>
    internal static Task WaitForAsync(Browser browser, string text) =>
        browser.WaitAsync($"{Front}.textContent.includes({Browser.Quote(text)})");

    /// <summary>Chooses or fills where typing does not do it: lists and times.</summary>
    internal static async Task SetAsync(Browser browser, string selector, string value)
    {
        await browser.WaitAsync($"document.querySelector({Browser.Quote(selector)})");
        await browser.EvaluateAsync(
            $$"""
            {
              const field = document.querySelector({{Browser.Quote(selector)}});
              field.value = {{Browser.Quote(value)}};
              for (const type of ['input', 'change']) field.dispatchEvent(new Event(type, { bubbles: true }));
            }
            """
        );
    }

    /// <summary>Of refused calls the browser tells; of nothing else.</summary>
    internal static void AssertQuiet(Browser browser) =>
        Assert.All(browser.Complaints, complaint => Assert.Matches("40[013]", complaint));
}
