// The page: what is shown where, and what the buttons do.
import { html, render, useState, useEffect, useRef, remember, remembered, setTheme, theme } from './view.js';
import { batch, call } from './api.js';
import { bytes } from './format.js';
import { store, select, filters, start } from './store.js';
import { TorrentList } from './list.js';
import { Details } from './details.js';
import { AddDialog } from './add.js';
import { RemoveDialog, MoveDialog, LabelsDialog, LimitsDialog, SettingsDialog } from './dialogs.js';
import { CreateDialog, ShareDialog } from './share.js';
import { LogDialog, KeysDialog } from './log.js';
import { SpeedGraph } from './graph.js';

function useStore() {
  const [, set] = useState(0);
  useEffect(() => store.subscribe(() => set((n) => n + 1)), []);
}

const isTyping = (event) => event.target.closest?.('input, textarea, select, dialog');

// Drops and pastes anywhere on the page open the dialog with what they bring.
function useGifts(onGift) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const hasGift = (event) => [...(event.dataTransfer?.types ?? [])].some((type) => ['Files', 'text/uri-list', 'text/plain'].includes(type));
    const drag = (event) => {
      if (!hasGift(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event) => event.relatedTarget === null && setOver(false);
    const drop = (event) => {
      if (!hasGift(event)) return;
      event.preventDefault();
      setOver(false);
      const files = [...event.dataTransfer.files];
      const links = event.dataTransfer.getData('text/uri-list') || event.dataTransfer.getData('text/plain');
      if (files.length > 0) onGift({ files });
      else if (links) onGift({ links: links.split(/\r?\n/).filter((line) => line && !line.startsWith('#')).join('\n') });
    };
    const paste = (event) => {
      const text = event.clipboardData?.getData('text/plain').trim() ?? '';
      if (!isTyping(event) && /^(magnet:|https?:|[0-9a-f]{40}$)/i.test(text)) onGift({ links: text });
    };
    const listeners = { dragover: drag, dragleave: leave, drop, paste };
    for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener);
    };
  }, []);
  return over;
}

function Bottom({ onLimits, graph, onGraph }) {
  const status = store.status;
  if (!status) return null;
  const limit = (value) => (value > 0 ? ` (at most ${bytes(value)}/s)` : '');
  return html`<footer>
    <button type="button" onClick=${onLimits} title="Speed limits">
      <span class="down-mark" aria-label="Download">▼</span> ${bytes(status.downloadRate)}/s${limit(status.downloadLimit)}
      ${' '}<span class="up-mark" aria-label="Upload">▲</span> ${bytes(status.uploadRate)}/s${limit(status.uploadLimit)}</button>
    <button type="button" class="alternative" aria-pressed=${status.alternativeLimits} title="Other speed limits, on and off"
      onClick=${() => store.attempt(() => call('PATCH', '/settings', { 'alternative.enabled': !status.alternativeLimits }))}>Alternative limits</button>
    <button type="button" aria-pressed=${graph} onClick=${onGraph}>Speed graph</button>
    <span class="wide">${status.peers} peers</span>
    <span class="wide">${status.freeSpace == null ? '' : `${bytes(status.freeSpace)} free`}</span>
    <span class="wide">Shoal ${status.version}</span>
    ${status.stateProblem && html`<span class="trouble" role="alert">${status.stateProblem}</span>`}
  </footer>`;
}

function App() {
  useStore();
  const [filter, setFilter] = useState('all');
  const [label, setLabel] = useState('');
  const [search, setSearch] = useState('');
  const [sort, setSort] = useState(remembered('sort', 'name'));
  const [descending, setDescending] = useState(remembered('descending', 'false') === 'true');
  const [graph, setGraph] = useState(remembered('graph', 'false') === 'true');
  const [selection, setSelection] = useState(new Set());
  const [focus, setFocus] = useState(null);
  const [open, setOpen] = useState(null);
  const [tab, setTab] = useState('overview');
  const [dialog, setDialog] = useState(null);
  const searchBox = useRef(null);
  const over = useGifts((gift) => setDialog({ kind: 'add', gift }));

  useEffect(() => {
    const key = (event) => {
      if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === '/') {
        event.preventDefault();
        searchBox.current?.focus();
      } else if (event.key === 'n') {
        event.preventDefault();
        setDialog({ kind: 'add', gift: {} });
      } else if (event.key === '?') setDialog({ kind: 'keys' });
      else if (event.key === 'Escape') setOpen(null);
    };
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  }, []);

  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (t) =>
    filters[filter][1](t) &&
    (label === '' || (label[0] === 'c' ? t.category === label.slice(1) : t.labels.includes(label.slice(1)))) &&
    words.every((word) => t.name.toLowerCase().includes(word) || t.id.startsWith(word) || t.labels.some((one) => one.toLowerCase().includes(word)));
  const items = select(sort, descending, matches);
  const all = [...store.items.values()];
  const chosen = items.filter((t) => selection.has(t.id));
  const shown = open && store.items.get(open);
  const choices = [
    ...[...new Set(all.flatMap((t) => t.labels))].sort().map((name) => [`l${name}`, name]),
    ...[...new Set(all.map((t) => t.category).filter(Boolean))].sort().map((name) => [`c${name}`, `Category ${name}`]),
  ];
  const resort = (key) => {
    const down = sort === key ? !descending : key !== 'name' && key !== 'state';
    setSort(key);
    setDescending(down);
    remember('sort', key);
    remember('descending', down);
  };
  const act = (action) => chosen.length > 0 && store.attempt(() => batch(action, chosen.map((t) => t.id)));
  const toggle = () => act(chosen.some((t) => !t.paused) ? 'pause' : 'resume');
  const close = () => setDialog(null);
  const share = () => chosen.length === 1 && setDialog({ kind: 'share', id: chosen[0].id });
  const none = chosen.length === 0;
  const button = (name, onClick, disabled = none) => html`<button type="button" disabled=${disabled} onClick=${onClick}>${name}</button>`;
  const added = (list, chooses) => {
    setFilter('all');
    setSelection(new Set(list.map((t) => t.id)));
    setFocus(list[0].id);
    store.notice(list.length === 1 ? `Added: ${list[0].name}` : `${list.length} added`);
    for (const t of list) store.items.set(t.id, t);
    if (list.length === 1 && (list[0].paused || chooses)) {
      setTab('files');
      setOpen(list[0].id);
    }
  };
  return html`
    <header class="top">
      <h1><img src="icon.svg" alt="" width="24" height="24" /> Shoal</h1>
      <div class="actions" role="toolbar" aria-label="Actions">
        <button type="button" class="main" onClick=${() => setDialog({ kind: 'add', gift: {} })}>Add</button>
        ${button('Create', () => setDialog({ kind: 'create' }), false)}
        ${button('Resume', () => act('resume'))}
        ${button('Pause', () => act('pause'))}
        ${button('Recheck', () => act('recheck'))}
        ${button('Move', () => setDialog({ kind: 'move' }))}
        ${button('Labels', () => setDialog({ kind: 'labels' }))}
        ${button('Share', share, chosen.length !== 1)}
        ${button('Remove', () => setDialog({ kind: 'remove' }))}
      </div>
      <div class="right">
        ${button('Log', () => setDialog({ kind: 'log' }), false)}
        ${button('Settings', () => setDialog({ kind: 'settings' }), false)}
        <form method="post" action="logout"><button>Log out</button></form>
      </div>
    </header>
    <nav class="filters" aria-label="Filters">
      <label class="search"><span class="hidden">Search by name</span>
        <input type="search" placeholder="Search ( / )" ref=${searchBox} value=${search} onInput=${(event) => setSearch(event.target.value)} /></label>
      <label><span class="hidden">State</span><select value=${filter} onChange=${(event) => setFilter(event.target.value)}>
        ${Object.entries(filters).map(([key, [name, is]]) => html`<option value=${key}>${name} (${all.filter(is).length})</option>`)}</select></label>
      ${choices.length > 0 && html`<label><span class="hidden">Label</span><select value=${label} onChange=${(event) => setLabel(event.target.value)}>
        <option value="">Any label</option>${choices.map(([key, name]) => html`<option value=${key}>${name}</option>`)}</select></label>`}
      <span class="count" aria-live="polite">${chosen.length > 1 ? `${chosen.length} of ${items.length} selected` : `${items.length} torrents`}</span>
    </nav>
    <main class=${shown ? 'split' : ''}>
      <${TorrentList} items=${items} sort=${sort} descending=${descending} onSort=${resort} selection=${selection} onSelect=${setSelection}
        focus=${focus} onFocus=${setFocus} onOpen=${setOpen} onToggle=${toggle} onShare=${share} onRemove=${() => !none && setDialog({ kind: 'remove' })} />
      ${store.ready && all.length === 0 && html`<p class="empty">Nothing here yet. Drop a .torrent file or a link on this page, or press <kbd>n</kbd>.</p>`}
      ${shown && html`<${Details} t=${shown} tab=${tab} onTab=${setTab} onClose=${() => setOpen(null)} />`}
    </main>
    ${graph && html`<${SpeedGraph} />`}
    <${Bottom} onLimits=${() => setDialog({ kind: 'limits' })} graph=${graph} onGraph=${() => {
      remember('graph', !graph);
      setGraph(!graph);
    }} />
    ${!store.online && html`<p class="offline" role="alert">The daemon does not answer; trying again …</p>`}
    <div class="notices" role="status">${store.notices.map((notice) => html`<p key=${notice.id} class=${notice.isProblem ? 'problem' : ''}>
      ${notice.text} <button type="button" class="icon" aria-label="Dismiss" onClick=${() => store.dismiss(notice.id)}>✕</button></p>`)}</div>
    ${over && html`<div class="drop" aria-hidden="true">Drop to add</div>`}
    ${dialog?.kind === 'add' && html`<${AddDialog} start=${dialog.gift} onClose=${close} onAdded=${added} />`}
    ${dialog?.kind === 'remove' && html`<${RemoveDialog} items=${chosen} onClose=${close} onDone=${() => setSelection(new Set())} />`}
    ${dialog?.kind === 'move' && html`<${MoveDialog} items=${chosen} onClose=${close} />`}
    ${dialog?.kind === 'labels' && chosen.length > 0 && html`<${LabelsDialog} items=${chosen} onClose=${close} />`}
    ${dialog?.kind === 'create' && html`<${CreateDialog} onClose=${close} onShare=${(id) => setDialog({ kind: 'share', id })} />`}
    ${dialog?.kind === 'share' && html`<${ShareDialog} id=${dialog.id} onClose=${close} />`}
    ${dialog?.kind === 'log' && html`<${LogDialog} onClose=${close} />`}
    ${dialog?.kind === 'keys' && html`<${KeysDialog} onClose=${close} />`}
    ${dialog?.kind === 'limits' && html`<${LimitsDialog} onClose=${close} />`}
    ${dialog?.kind === 'settings' && html`<${SettingsDialog} onClose=${close} />`}`;
}

setTheme(theme());
render(html`<${App} />`, document.getElementById('app'));
start();
