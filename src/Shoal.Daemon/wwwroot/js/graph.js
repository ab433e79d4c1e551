// The graph of speeds over the last ten minutes.
import { html, useEffect, useRef, color } from './view.js';
import { bytes } from './format.js';
import { store } from './store.js';

const dark = matchMedia('(prefers-color-scheme: dark)');

function draw(box) {
  const axis = { stroke: color('--soft'), grid: { stroke: color('--line'), width: 1 }, ticks: { show: false } };
  const line = (label, name) => ({ label, stroke: color(name), fill: color(name).replace(/^rgb\((.*)\)$/, 'rgba($1, 0.13)'), width: 2, points: { show: false }, value: (u, v) => (v == null ? '' : `${bytes(v)}/s`) });
  return new window.uPlot(
    {
      width: box.clientWidth,
      height: 150,
      cursor: { y: false },
      scales: { y: { range: (u, low, high) => [0, Math.max(1000, high * 1.1)] } },
      axes: [axis, { ...axis, size: 80, values: (u, values) => values.map((value) => `${bytes(value)}/s`) }],
      series: [{ label: 'Time' }, line('Down', '--down'), line('Up', '--up')],
    },
    store.history,
    box,
  );
}

export function SpeedGraph() {
  const box = useRef(null);
  useEffect(() => {
    const element = box.current;
    let plot = draw(element);
    const again = () => {
      plot.destroy();
      plot = draw(element);
    };
    const watch = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: 150 }));
    watch.observe(element);
    dark.addEventListener('change', again);
    document.addEventListener('shoal-theme', again);
    const stop = store.subscribe('status', () => plot.setData(store.history));
    return () => {
      stop();
      watch.disconnect();
      dark.removeEventListener('change', again);
      document.removeEventListener('shoal-theme', again);
      plot.destroy();
    };
  }, []);
  return html`<section class="graph" aria-label="Speed over the last ten minutes"><div ref=${box}></div></section>`;
}
