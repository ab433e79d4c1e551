// What happened, and the keys there are.
import { html, useState } from './view.js';
import { date } from './format.js';
import { store, useStore } from './store.js';
import { Dialog } from './dialogs.js';

export function LogDialog({ onClose }) {
  useStore('log');
  const [search, setSearch] = useState('');
  const [problems, setProblems] = useState(false);
  const words = search.toLowerCase();
  const shown = store.log.filter((line) => (!problems || line.isProblem) && line.text.toLowerCase().includes(words));
  return html`<${Dialog} title="Log" onClose=${onClose} wide>
    <div class="tools">
      <label>Search <input type="search" autofocus value=${search} onInput=${(event) => setSearch(event.target.value)} /></label>
      <label class="tick"><input type="checkbox" checked=${problems} onChange=${(event) => setProblems(event.target.checked)} /> Problems only</label>
    </div>
    <ol class="log" tabindex="0" aria-label="What happened, the newest first">
      ${shown.toReversed().map((line) => html`<li key=${line.id} class=${line.isProblem ? 'trouble' : ''}><time>${date(line.at)}</time> ${line.text}</li>`)}
      ${shown.length === 0 && html`<li>Nothing.</li>`}
    </ol>
  <//>`;
}

const keys = [
  ['n', 'add torrents'],
  ['/', 'search'],
  ['↑ ↓ Home End', 'move in the list; with Shift select'],
  ['Space', 'select or not'],
  ['Ctrl A', 'select all'],
  ['Enter', 'details'],
  ['Esc', 'close details'],
  ['p', 'pause or resume'],
  ['s', 'share'],
  ['Delete', 'remove'],
  ['?', 'this'],
];

export function KeysDialog({ onClose }) {
  return html`<${Dialog} title="Keys" onClose=${onClose}>
    <dl class="keys">${keys.map(([key, what]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}</dl>
  <//>`;
}
