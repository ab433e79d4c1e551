// The list of torrents: rows, sorting, selection, keys.
import { html, useState, useEffect, useRef } from './view.js';
import { bytes, rate, percent, ratio, span, date, states } from './format.js';
import { columns } from './listing.js';
import { store, useStore } from './store.js';
import { Windowed } from './windowed.js';

const narrow = matchMedia('(max-width: 720px)');

function useNarrow() {
  const [is, set] = useState(narrow.matches);
  useEffect(() => {
    const listener = () => set(narrow.matches);
    narrow.addEventListener('change', listener);
    return () => narrow.removeEventListener('change', listener);
  }, []);
  return is;
}

export function Bar({ share, state, label }) {
  return html`<span class=${`bar ${state ?? ''}`} role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax="100"
    aria-valuenow=${Math.floor(share * 100)} style=${{ backgroundSize: `${share * 100}%` }}>${percent(share)}</span>`;
}

const stateOf = (t) => (t.movingTo ? 'Moving' : t.state === 'failed' ? `Failed: ${t.error ?? ''}` : states[t.state]);

function cellsOf(t) {
  const cell = (name, content, title) => html`<span role="gridcell" class=${name} title=${title}>${content}</span>`;
  return [
    cell('name', [t.name, ...t.labels.map((label) => html` <i class="label">${label}</i>`)], t.name),
    cell('size number', bytes(t.size)),
    cell('progress', Bar({ share: t.progress, state: t.state, label: `Progress of ${t.name}` })),
    cell(`state is-${t.state}`, stateOf(t), stateOf(t)),
    cell('down number', rate(t.downloadRate)),
    cell('up number', rate(t.uploadRate)),
    cell('left number', t.state === 'downloading' ? span(t.secondsLeft) : ''),
    cell('peers number', t.peers > 0 ? `${t.seeds} / ${t.peers}` : '', `${t.peers} connected, ${t.seeds} of them have everything`),
    cell('ratio number', ratio(t.ratio)),
    cell('added number', date(t.addedAt)),
  ];
}

function Row({ t, i, chosen, inFocus, style }) {
  return html`<div id=${`t-${t.id}`} role="row" aria-rowindex=${i + 2} aria-selected=${chosen} class=${`row${inFocus ? ' focus' : ''}`} style=${style}>
    <span role="gridcell" class="check"><input type="checkbox" tabindex="-1" aria-label=${`Select ${t.name}`} checked=${chosen} /></span>
    ${cellsOf(t)}</div>`;
}

// A row that was not changed is the very node of the last time, at which Preact does not look again. What rows do is done by the list.
function useRows(items, selection, focus) {
  const drawn = useRef([]).current;
  return (i, style, place) => {
    const t = items[i];
    const [chosen, inFocus] = [selection.has(t.id), t.id === focus];
    const last = drawn[place]?.props;
    if (last?.t === t && last.i === i && last.chosen === chosen && last.inFocus === inFocus && last.style.height === style.height) return drawn[place];
    return (drawn[place] = html`<${Row} key=${place} ...${{ t, i, chosen, inFocus, style }} />`);
  };
}

export function TorrentList({ sort, descending, onSort, selection, onSelect, focus, onFocus, onOpen, onRemove, onToggle, onShare }) {
  useStore('list');
  const items = store.list.rows;
  const isNarrow = useNarrow();
  const row = useRows(items, selection, focus);
  const at = focus === null ? -1 : items.findIndex((t) => t.id === focus);
  const move = (event, to) => {
    event.preventDefault();
    if (items.length === 0) return;
    const next = items[Math.max(0, Math.min(items.length - 1, to))];
    onFocus(next.id);
    if (event.shiftKey) onSelect(new Set([...selection, next.id]));
    else if (!event.ctrlKey) onSelect(new Set([next.id]));
  };
  const toggle = (id) => {
    const next = new Set(selection);
    if (!next.delete(id)) next.add(id);
    onSelect(next);
  };
  const page = Math.max(1, Math.floor(window.innerHeight / 60));
  const keys = {
    ArrowDown: (event) => move(event, at + 1),
    ArrowUp: (event) => move(event, at - 1),
    PageDown: (event) => move(event, at + page),
    PageUp: (event) => move(event, at - page),
    Home: (event) => move(event, 0),
    End: (event) => move(event, items.length - 1),
    Enter: () => at >= 0 && onOpen(items[at].id),
    Delete: () => onRemove(),
    p: () => onToggle(),
    s: () => onShare(),
    ' ': (event) => {
      event.preventDefault();
      if (at >= 0) toggle(items[at].id);
    },
    a: (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      onSelect(new Set(items.map((t) => t.id)));
    },
  };
  const click = (event) => {
    const id = event.target.closest('[id^="t-"]')?.id.slice(2);
    if (!id) return;
    if (event.target.closest('.check')) return event.target.matches('input') && toggle(id);
    onFocus(id);
    if (event.shiftKey && at >= 0) {
      const index = items.findIndex((t) => t.id === id);
      const [low, high] = at < index ? [at, index] : [index, at];
      onSelect(new Set(items.slice(low, high + 1).map((t) => t.id)));
    } else if (event.ctrlKey || event.metaKey) toggle(id);
    else {
      onSelect(new Set([id]));
      onOpen(id);
    }
  };
  const all = items.length > 0 && selection.size >= items.length;
  const head = html`<div class="head row" role="row">
    <span role="columnheader" class="check"><input type="checkbox" aria-label="Select all" checked=${all}
      onChange=${() => onSelect(all ? new Set() : new Set(items.map((t) => t.id)))} /></span>
    ${columns.map((column) => html`<span role="columnheader" class=${`${column.key}-head`}
      aria-sort=${sort === column.key ? (descending ? 'descending' : 'ascending') : 'none'}>
      <button type="button" onClick=${() => onSort(column.key)}>${column.title}${sort === column.key ? (descending ? ' ▾' : ' ▴') : ''}</button></span>`)}
  </div>`;
  return html`<${Windowed} label="Torrents" className="torrents" count=${items.length} rowHeight=${isNarrow ? 76 : 34}
    columnCount=${columns.length + 1} follow=${at} selected=${at < 0 ? '' : `t-${focus}`} head=${head} onClick=${click}
    onKeyDown=${(event) => event.target === event.currentTarget && keys[event.key]?.(event)} row=${row} />`;
}
