using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>The list of the daemon's page with more torrents than a screen holds: right, and with little work for each change. And its graph.</summary>
public sealed class WebPageListTests(WebPageListTests.ListPage page) : IClassFixture<WebPageListTests.ListPage>
{
    private const int Count = 600;
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task A_list_kept_up_by_changes_is_the_one_that_is_made_anew()
    {
        var browser = page.Browser;
        for (var seed = 1; seed <= 20; seed++)
        {
            var fault = (string?)
                await browser.EvaluateAsync(
                    $$"""
                    import('/js/listing.js').then(({ Listing, columns, filters }) => {
                      // mulberry32
                      let seed = {{seed}};
                      const random = (below) => {
                        seed = (seed + 0x6d2b79f5) | 0;
                        let x = Math.imul(seed ^ (seed >>> 15), 1 | seed);
                        x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
                        return ((x ^ (x >>> 14)) >>> 0) % below;
                      };
                      const one = (list) => list[random(list.length)];
                      const states = ['loading', 'metadata', 'checking', 'downloading', 'seeding', 'queued', 'paused', 'failed'];
                      const make = (id) => ({
                        id: `${id}`, name: `${one(['Zebra', 'ant', 'Ångström', 'part 10', 'part 9'])}${random(3) ? '' : random(5)}`, size: random(4),
                        progress: random(3) / 2, state: one(states), downloadRate: random(2), uploadRate: random(2), secondsLeft: one([null, 1, 2]),
                        peers: random(3), ratio: one([0, 1, Infinity]), addedAt: random(9), category: one([null, 'x']), labels: one([[], ['a'], ['a', 'b']]),
                      });
                      const list = new Listing();
                      const truth = new Map();
                      const wish = { sort: 'name', descending: false, filter: 'all', tag: '', words: [] };
                      const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
                      const values = (t) => columns.find((column) => column.key === wish.sort).of(t);
                      for (let turn = 0; turn < 200; turn++) {
                        if (random(12) === 0) {
                          truth.clear();
                          for (let i = random(40); i >= 0; i--) truth.set(`${i}`, make(i));
                          list.replace([...truth.values()]);
                        } else if (random(3) === 0) {
                          const change = one([{ sort: one(columns).key }, { descending: !wish.descending }, { filter: one(Object.keys(filters)) }, { tag: one(['', 'la', 'cx']) }, { words: one([[], ['an'], ['part', '1']]) }]);
                          Object.assign(wish, change);
                          list.choose(change);
                        } else {
                          const changed = Array.from({ length: random(6) }, () => make(random(45)));
                          const removed = Array.from({ length: random(4) }, () => `${random(45)}`);
                          for (const id of removed) truth.delete(id);
                          for (const t of changed) truth.set(t.id, t);
                          list.change(changed, removed);
                        }
                        const sign = wish.descending ? -1 : 1;
                        const by = (a, b) => (a === b ? 0 : typeof a === 'string' ? collator.compare(a, b) : a < b ? -1 : 1);
                        const all = [...truth.values()].sort((a, b) => sign * by(values(a), values(b)) || (a.id < b.id ? -1 : 1));
                        const shown = all.filter((t) => filters[wish.filter][1](t) && (!wish.tag || (wish.tag === 'cx' ? t.category === 'x' : t.labels.includes('a'))) &&
                          wish.words.every((word) => t.name.toLowerCase().includes(word) || t.id.startsWith(word)));
                        if (shown.length !== list.rows.length || shown.some((t, i) => t !== list.rows[i])) return `rows differ in turn ${turn} with ${JSON.stringify(wish)}`;
                        if (list.items.size !== truth.size) return `items differ in turn ${turn}`;
                        for (const [key, [, is]] of Object.entries(filters)) if (list.counts[key] !== all.filter(is).length) return `${key} is not counted in turn ${turn}`;
                        if ((list.tags.get('la') ?? 0) !== all.filter((t) => t.labels.includes('a')).length) return `labels are not counted in turn ${turn}`;
                        if (list.tags.has('cx') !== all.some((t) => t.category === 'x')) return `categories are not known in turn ${turn}`;
                      }
                      return '';
                    })
                    """
                );
            Assert.True(fault == "", $"seed {seed}: {fault}");
        }
    }

    [Fact]
    public async Task Many_rows_are_right_wherever_they_are_scrolled_to_and_a_change_touches_its_own_row_only()
    {
        var (browser, daemon) = (page.Browser, page.Daemon);
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Count),
            new ParallelOptions { MaxDegreeOfParallelism = 8 },
            async (i, cancel) =>
                await daemon.Client.AddAsync(
                    new AddTorrent
                    {
                        Source = $"magnet:?xt=urn:btih:{i:x40}&dn=Number%20{i}%20of%20many",
                        Paused = true,
                        Labels = [$"label {i % 20}"],
                    },
                    cancel
                )
        );
        await browser.WaitAsync($"document.querySelector('.count').textContent === '{Count} torrents'");
        await browser.WaitAsync($"document.querySelector('.filters select').textContent.includes('Paused ({Count})')");
        // Not more rows than a screen and a little holds are in the document.
        Assert.InRange(
            (int)(await browser.EvaluateAsync("document.querySelectorAll('.torrents .rows [role=row]').length"))!,
            20,
            60
        );

        foreach (var top in new[] { 0, 34 * 300, 34 * 300 + 55, 20, 10_000_000 })
        {
            var fault = (string?)
                await browser.EvaluateAsync(
                    $$"""
                    new Promise((done) => {
                      const box = document.querySelector('.torrents');
                      box.scrollTop = {{top}};
                      requestAnimationFrame(() => requestAnimationFrame(() => {
                        const rows = [...box.querySelectorAll('.rows [role=row]')];
                        const [first, last] = [Math.floor(box.scrollTop / 34), Math.min({{Count}}, Math.ceil((box.scrollTop + box.clientHeight - 36) / 34)) - 1];
                        const at = rows.map((row) => row.ariaRowIndex - 2);
                        if (at[0] > first || at.at(-1) < last) return done(`${at[0]} to ${at.at(-1)} instead of ${first} to ${last}`);
                        for (const [k, row] of rows.entries()) {
                          const i = at[0] + k;
                          if (at[k] !== i) return done(`${at[k]} instead of ${i}`);
                          const said = row.querySelector('.name').textContent;
                          if (said !== `Number ${i} of many label ${i % 20}`) return done(`${said} in row ${i}`);
                          const lies = row.getBoundingClientRect().top - box.querySelector('.rows').getBoundingClientRect().top;
                          if (Math.abs(lies - i * 34) > 1) return done(`row ${i} lies at ${lies}`);
                        }
                        done('');
                      }));
                    })
                    """
                );
            Assert.True(fault == "", $"scrolled to {top}: {fault}");
        }

        // Scrolled by a screen, rows are written into the elements that are there.
        Assert.Equal(
            0,
            (int)
                (
                    await browser.EvaluateAsync(
                        """
                        new Promise((done) => {
                          const box = document.querySelector('.torrents');
                          const rows = () => [...box.querySelectorAll('.rows [role=row]')];
                          const later = (next) => requestAnimationFrame(() => requestAnimationFrame(next));
                          box.scrollTop = 10000;
                          later(() => {
                            const before = new Set(rows());
                            box.scrollTop += 700;
                            later(() => done(rows().filter((row) => !before.has(row)).length));
                          });
                        })
                        """
                    )
                )!
        );
        await browser.EvaluateAsync("document.querySelector('.torrents').scrollTop = 0");
        await browser.WaitAsync($"{WebPage.Row}.textContent.includes('Number 0 of many')");
        await browser.EvaluateAsync(
            """
            {
              window.touched = new Set();
              window.records = [];
              const placeOf = (node) => (node.nodeType === 1 ? node : node.parentElement).closest('.torrents .rows [role=row], .filters, footer, .top, .details') ?? document.body;
              new MutationObserver((records) => {
                for (const { target, type, attributeName, oldValue } of records) {
                  // Preact writes empty texts again.
                  if (type === 'characterData' && target.data === oldValue) continue;
                  const place = placeOf(target);
                  window.touched.add(place.id || place.className || place.tagName);
                  window.records.push(`${type} ${attributeName} of ${target.nodeName} ${target.className}: ${oldValue} ${target.data} in ${place.id || place.className}`);
                }
              }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true, characterDataOldValue: true });
            }
            """
        );
        var third = $"{3:x40}";
        await daemon.Client.ChangeAsync(third, new TorrentChange { Labels = ["other"] }, None);
        await browser.WaitAsync(
            $"document.getElementById('t-{third}').querySelector('.name').textContent === 'Number 3 of many other'"
        );
        var touched = (await browser.EvaluateAsync("[...touched]"))!.AsArray().Select(node => (string)node!);
        Assert.True(
            touched.All(place => place == "t-" + third || place is "filters" or "FOOTER"),
            (string?)await browser.EvaluateAsync("records.slice(0, 20).join('; ')")
        );

        // One that goes, and one that comes.
        await daemon.Client.RemoveAsync(third, false, None);
        await browser.WaitAsync($"document.querySelector('.count').textContent === '{Count - 1} torrents'");
        await browser.WaitAsync(
            "document.querySelectorAll('.torrents .rows [role=row]')[3].textContent.includes('Number 4 of')"
        );
        await browser.ClickAsync(".name-head button");
        await browser.WaitAsync($"{WebPage.Row}.textContent.includes('Number {Count - 1} of')");
        await browser.FillAsync(".search input", "number 77 many");
        // 77, 177, 277 and so on to 577.
        await browser.WaitAsync("document.querySelector('.count').textContent === '6 torrents'");
        WebPage.AssertQuiet(browser);
    }

    [Fact]
    public async Task The_graph_tells_the_values_at_the_mouse_makes_a_part_larger_and_leaves_lines_out()
    {
        var browser = page.Browser;
        await browser.ClickAsync("footer button", "Speed graph");
        await browser.WaitAsync("document.querySelector('.graph canvas').width > 300");
        // Ten minutes in which the download grows to 3 MB/s.
        await browser.EvaluateAsync(
            """
            import('/js/store.js').then(({ store }) => {
              const now = Math.floor(Date.now() / 1000);
              const times = Array.from({ length: 301 }, (_, i) => now - 600 + 2 * i);
              store.history = [times, times.map((_, i) => i * 10000), times.map(() => 250000)];
              store.tell('status');
              // At a part of the graph's width, and then until it is drawn.
              window.point = (type, part) => {
                const box = document.querySelector('.graph canvas').getBoundingClientRect();
                const clientX = box.left + 80 + (box.width - 92) * part;
                document.querySelector('.graph canvas').dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0, clientX, clientY: box.top + 50 }));
                return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
              };
            })
            """
        );
        await browser.WaitAsync("document.querySelector('.graph canvas').ariaLabel.includes('at most 3.0 MB/s')");
        await browser.EvaluateAsync("point('pointermove', 0.5).then(() => 0)");
        const string Says = "document.querySelector('.legend').textContent.includes";
        await browser.WaitAsync($"{Says}('Down 1.5 MB/s') && {Says}('Up 250 kB/s')");

        await browser.EvaluateAsync(
            "point('pointerdown', 0.3).then(() => point('pointermove', 0.4)).then(() => point('pointerup', 0.4)).then(() => point('pointermove', 1)).then(() => 0)"
        );
        await browser.WaitAsync($"{Says}('All ten minutes') && {Says}('Down 1.2 MB/s')");
        await browser.ClickAsync(".legend button", "All ten minutes");
        await browser.WaitAsync($"!{Says}('All ten minutes')");
        await browser.ClickAsync(".legend .down");
        await browser.WaitAsync("document.querySelector('.legend .down').ariaPressed === 'false'");
        await browser.ClickAsync("footer button", "Speed graph");
        await browser.WaitAsync("!document.querySelector('.graph')");
        WebPage.AssertQuiet(browser);
    }

    /// <summary>Of all of them.</summary>
    public sealed class ListPage() : DaemonPage("list", 1280, 800);
}
