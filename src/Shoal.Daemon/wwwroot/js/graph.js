// The graph of speeds over the last ten minutes. Two lines over time: drawn here, since a library for it would be half of the page.
import { html, useState, useEffect, useLayoutEffect, useRef, color } from './view.js';
import { bytes } from './format.js';
import { store, useStore } from './store.js';

const height = 150;
const space = { left: 80, right: 12, top: 8, bottom: 22 };
const dark = matchMedia('(prefers-color-scheme: dark)');
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
// Name, variable of its colour, place in the history.
const lines = [['Down', '--down', 1], ['Up', '--up', 2]];
// Seconds between marks of time.
const spans = [1, 2, 5, 10, 15, 30, 60, 120, 300];

// The least round number that goes at most so often into a value.
export function stepOf(value, most) {
  const power = 10 ** Math.floor(Math.log10(value / most));
  return power * [1, 2, 5, 10].find((factor) => factor * power * most >= value * (1 - 1e-9));
}

// Where the samples lie: from and to in seconds, high in bytes a second, x and y in pixels, time of an x.
function scaleOf(width, [times, ...values], range, hidden) {
  const from = range?.[0] ?? times[0] ?? 0;
  const to = Math.max(range?.[1] ?? times.at(-1) ?? 0, from + 1);
  let high = 0;
  for (const [, , place] of lines) {
    if (!hidden.has(place)) values[place - 1].forEach((value, i) => times[i] >= from && times[i] <= to && (high = Math.max(high, value)));
  }
  high = Math.max(1000, high * 1.1);
  const [across, down] = [width - space.left - space.right, height - space.top - space.bottom];
  return {
    from,
    to,
    high,
    x: (time) => space.left + ((time - from) / (to - from)) * across,
    y: (value) => space.top + (1 - value / high) * down,
    time: (x) => from + (Math.min(1, Math.max(0, (x - space.left) / across))) * (to - from),
  };
}

function draw(canvas, scale, hidden, colours, mark, drag) {
  const { from, to, high, x, y } = scale;
  const width = canvas.clientWidth;
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  const context = canvas.getContext('2d');
  context.scale(devicePixelRatio, devicePixelRatio);
  context.font = '12px system-ui, sans-serif';
  const [bottom, end] = [height - space.bottom, width - space.right];
  const rule = (x1, y1, x2, y2) => {
    context.beginPath();
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
    context.stroke();
  };
  const say = (text, x1, y1, align) => {
    context.textAlign = align;
    context.fillText(text, x1, y1);
  };
  context.strokeStyle = colours['--line'];
  context.fillStyle = colours['--soft'];
  const rise = stepOf(high, 4);
  for (let value = 0; value <= high; value += rise) {
    rule(space.left, y(value), end, y(value));
    say(`${bytes(value)}/s`, space.left - 8, y(value) + 4, 'right');
  }
  const step = spans.find((span) => ((to - from) / span) * 90 <= end - space.left) ?? 600;
  for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
    rule(x(time), space.top, x(time), bottom);
    // What would stand out at an end is left out.
    if (x(time) > space.left + 20 && x(time) < end - 25) say(clock.format(time * 1000), x(time), height - 6, 'center');
  }
  context.beginPath();
  context.rect(space.left, 0, end - space.left, height);
  context.clip();
  const [times] = store.history;
  context.lineWidth = 2;
  context.lineJoin = 'round';
  for (const [, colour, place] of lines) {
    if (hidden.has(place) || times.length === 0) continue;
    const path = new Path2D();
    store.history[place].forEach((value, i) => path.lineTo(x(times[i]), y(value)));
    const area = new Path2D(path);
    area.lineTo(x(times.at(-1)), bottom);
    area.lineTo(x(times[0]), bottom);
    context.strokeStyle = context.fillStyle = colours[colour];
    context.globalAlpha = 0.13;
    context.fill(area);
    context.globalAlpha = 1;
    context.stroke(path);
  }
  context.lineWidth = 1;
  context.strokeStyle = context.fillStyle = colours['--soft'];
  if (mark !== null) rule(x(mark), space.top, x(mark), bottom);
  context.globalAlpha = 0.2;
  if (drag) context.fillRect(drag[0], space.top, drag[1] - drag[0], bottom - space.top);
}

// The mouse shows the values of a moment; drawn over a part of it it makes that larger; the names leave lines out.
export function SpeedGraph() {
  useStore('status');
  const canvas = useRef(null);
  const [colours, setColours] = useState(null);
  const [width, setWidth] = useState(0);
  const [pointer, setPointer] = useState(null);
  const [drag, setDrag] = useState(null);
  const [chosen, setChosen] = useState(null);
  const [hidden, setHidden] = useState(new Set());
  useEffect(() => {
    const recolour = () => setColours(Object.fromEntries(['--down', '--up', '--line', '--soft'].map((name) => [name, color(name)])));
    const watch = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width));
    recolour();
    watch.observe(canvas.current);
    dark.addEventListener('change', recolour);
    document.addEventListener('shoal-theme', recolour);
    return () => {
      watch.disconnect();
      dark.removeEventListener('change', recolour);
      document.removeEventListener('shoal-theme', recolour);
    };
  }, []);
  const [times, down, up] = store.history;
  // Ten minutes later there is nothing of it any more.
  const range = chosen && chosen[1] > times[0] ? chosen : null;
  const scale = scaleOf(width, store.history, range, hidden);
  let at = times.length - 1;
  if (pointer !== null) {
    const time = scale.time(pointer);
    at = times.reduce((best, one, i) => (Math.abs(one - time) < Math.abs(times[best] - time) ? i : best), 0);
  }
  useLayoutEffect(() => {
    if (width > 0 && colours) draw(canvas.current, scale, hidden, colours, pointer === null ? null : times[at], drag);
  });
  const xOf = (event) => event.clientX - canvas.current.getBoundingClientRect().left;
  const move = (event) => {
    setPointer(xOf(event));
    if (drag) setDrag([drag[0], xOf(event)]);
  };
  const leave = () => {
    setPointer(null);
    setDrag(null);
  };
  const drop = () => {
    const ends = (drag ?? []).toSorted((a, b) => a - b);
    if (ends[1] - ends[0] > 8) setChosen(ends.map(scale.time));
    setDrag(null);
  };
  const turn = (place) => {
    const next = new Set(hidden);
    if (!next.delete(place)) next.add(place);
    setHidden(next);
  };
  const said = (place) => `${bytes(store.history[place][at] ?? 0)}/s`;
  return html`<section class="graph" aria-label="Speed over the last ten minutes">
    <canvas ref=${canvas} role="img" aria-label=${`Now down ${bytes(down.at(-1) ?? 0)}/s, up ${bytes(up.at(-1) ?? 0)}/s; at most ${bytes(Math.max(0, ...down))}/s and ${bytes(Math.max(0, ...up))}/s`}
      onPointerMove=${move} onPointerLeave=${leave} onPointerDown=${(event) => event.button === 0 && setDrag([xOf(event), xOf(event)])} onPointerUp=${drop}
      onDblClick=${() => setChosen(null)}></canvas>
    <p class="legend">
      <span>${times.length > 0 ? clock.format(times[at] * 1000) : ''}</span>
      ${lines.map(([name, , place]) => html`<button type="button" class=${name.toLowerCase()} aria-pressed=${!hidden.has(place)} onClick=${() => turn(place)}>${name} ${said(place)}</button>`)}
      ${range && html`<button type="button" onClick=${() => setChosen(null)}>All ten minutes</button>`}
    </p>
  </section>`;
}
