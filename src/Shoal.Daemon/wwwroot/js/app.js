// The page: what is shown where, and what the buttons do.
import { html, render, useState, useEffect, useMemo, useRef, remember, remembered, setTheme, theme } from './view.js';
import { batch, call } from './api.js';
import { bytes } from './format.js';
import { filters } from './listing.js';
import { store, useStore, start } from './store.js';
import { TorrentList } from './list.js';
import { Details } from './details.js';
import { AddDialog } from './add.js';
import { RemoveDialog, MoveDialog, LabelsDialog, LimitsDialog, SettingsDialog } from './dialogs.js';
import { ManageDialog } from './manage.js';
import { CreateDialog, ShareDialog } from './share.js';
import { LogDialog, KeysDialog } from './log.js';
import { Notices } from './notices.js';
import { SpeedGraph } from './graph.js';

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
  useStore('status');
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

function Filters({ wish, onWish, selection, searchBox }) {
  useStore('list');
  const { rows, counts, tags } = store.list;
  const names = [...tags.keys()].sort((a, b) => (a < b ? -1 : 1));
  const choices = ['l', 'c'].flatMap((kind) => names.filter((tag) => tag[0] === kind));
  const chosen = chosenOf(selection).length;
  return html`<nav class="filters" aria-label="Filters">
    <label class="search"><span class="hidden">Search by name</span>
      <input type="search" placeholder="Search ( / )" ref=${searchBox} value=${wish.search} onInput=${(event) => onWish({ search: event.target.value })} /></label>
    <label><span class="hidden">State</span><select value=${wish.filter} onChange=${(event) => onWish({ filter: event.target.value })}>
      ${Object.entries(filters).map(([key, [name]]) => html`<option value=${key}>${name} (${counts[key]})</option>`)}</select></label>
    ${(choices.length > 0 || wish.tag) && html`<label><span class="hidden">Label</span><select value=${wish.tag} onChange=${(event) => onWish({ tag: event.target.value })}>
      <option value="">Any label</option>${choices.map((tag) => html`<option value=${tag}>${tag[0] === 'c' ? 'Category ' : ''}${tag.slice(1)}</option>`)}</select></label>`}
    <span class="count" aria-live="polite">${chosen > 1 ? `${chosen} of ${rows.length} selected` : `${rows.length} torrents`}</span>
  </nav>`;
}

// What is selected and can be seen: what cannot be seen is not meant.
function chosenOf(selection) {
  const { list } = store;
  return [...selection].map((id) => list.items.get(id)).filter((t) => t && list.shows(t));
}

function Top({ selection, act, open, share }) {
  useStore('list');
  const count = chosenOf(selection).length;
  const button = (name, onClick, enabled = count > 0) => html`<button type="button" disabled=${!enabled} onClick=${onClick}>${name}</button>`;
  const withChosen = (kind) => () => open(kind, { items: chosenOf(selection) });
  return html`<header class="top">
    <h1><img src="icon.svg" alt="" width="24" height="24" /> Shoal</h1>
    <div class="actions" role="toolbar" aria-label="Actions">
      <button type="button" class="main" onClick=${() => open('add')}>Add</button>
      ${button('Create', () => open('create'), true)}
      ${button('Resume', () => act('resume'))}
      ${button('Pause', () => act('pause'))}
      ${button('Recheck', () => act('recheck'))}
      ${button('Move', withChosen('move'))}
      ${button('Labels', withChosen('labels'))}
      ${button('Share', share, count === 1)}
      ${button('Remove', withChosen('remove'))}
    </div>
    <div class="right">
      ${button('Log', () => open('log'), true)}
      ${button('Manage', () => open('manage'), true)}
      ${button('Settings', () => open('settings'), true)}
      <form method="post" action="logout"><button>Log out</button></form>
    </div>
  </header>`;
}

function Main({ shownId, details, ...list }) {
  useStore('list');
  const { items } = store.list;
  const shown = items.get(shownId);
  return html`<main class=${shown ? 'split' : ''}>
    <${TorrentList} ...${list} />
    ${store.ready && items.size === 0 && html`<p class="empty">Nothing here yet. Drop a .torrent file or a link on this page, or press <kbd>n</kbd>.</p>`}
    ${shown && html`<${Details} t=${shown} ...${details} />`}
  </main>`;
}

function Offline() {
  useStore('status');
  return !store.online && html`<p class="offline" role="alert">The daemon does not answer; trying again …</p>`;
}

const dialogs = {
  add: AddDialog,
  create: CreateDialog,
  keys: KeysDialog,
  labels: LabelsDialog,
  limits: LimitsDialog,
  log: LogDialog,
  manage: ManageDialog,
  move: MoveDialog,
  remove: RemoveDialog,
  settings: SettingsDialog,
  share: ShareDialog,
};

// What was chosen and opened here. What the daemon tells goes to the parts, which draw themselves again: this one does not.
function App() {
  const [wish, setWish] = useState({
    filter: 'all',
    tag: '',
    search: '',
    sort: remembered('sort', 'name'),
    descending: remembered('descending', 'false') === 'true',
  });
  const [graph, setGraph] = useState(remembered('graph', 'false') === 'true');
  const [selection, setSelection] = useState(new Set());
  const [focus, setFocus] = useState(null);
  const [shownId, setShownId] = useState(null);
  const [tab, setTab] = useState('overview');
  const [dialog, setDialog] = useState(null);
  const searchBox = useRef(null);
  const open = (kind, more = {}) => setDialog({ kind, more });
  const over = useGifts((start) => open('add', { start }));
  // Before the parts are drawn that show it.
  useMemo(() => store.list.choose({ ...wish, words: wish.search.toLowerCase().split(/\s+/).filter(Boolean) }), [wish]);
  const onWish = (change) => setWish((now) => ({ ...now, ...change }));
  const leave = () => {
    const list = document.querySelector('.torrents');
    if (document.querySelector('.details')?.contains(document.activeElement)) list.focus();
    setShownId(null);
  };

  useEffect(() => {
    const key = (event) => {
      if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === '/') {
        event.preventDefault();
        searchBox.current?.focus();
      } else if (event.key === 'n') {
        event.preventDefault();
        open('add');
      } else if (event.key === '?') open('keys');
      else if (event.key === 'Escape') leave();
    };
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  }, []);

  const resort = (sort) => {
    const descending = wish.sort === sort ? !wish.descending : sort !== 'name' && sort !== 'state';
    onWish({ sort, descending });
    remember('sort', sort);
    remember('descending', descending);
  };
  const chosen = () => chosenOf(selection);
  const act = (action) => {
    const ids = chosen().map((t) => t.id);
    if (ids.length > 0) store.attempt(() => batch(action, ids));
  };
  const share = () => chosen().length === 1 && open('share', { id: chosen()[0].id });
  const more = {
    onAdded(list, chooses) {
      onWish({ filter: 'all' });
      setSelection(new Set(list.map((t) => t.id)));
      setFocus(list[0].id);
      store.notice(list.length === 1 ? `Added: ${list[0].name}` : `${list.length} added`);
      store.list.change(list, []);
      store.tell('list');
      if (list.length === 1 && (list[0].paused || chooses)) {
        setTab('files');
        setShownId(list[0].id);
      }
    },
    onDone: () => setSelection(new Set()),
    onShare: (id) => open('share', { id }),
  };
  const Opened = dialogs[dialog?.kind];
  return html`
    <${Top} selection=${selection} act=${act} open=${open} share=${share} />
    <${Filters} wish=${wish} onWish=${onWish} selection=${selection} searchBox=${searchBox} />
    <${Main} shownId=${shownId} details=${{ tab, onTab: setTab, onClose: leave }} sort=${wish.sort} descending=${wish.descending} onSort=${resort}
      selection=${selection} onSelect=${setSelection} focus=${focus} onFocus=${setFocus} onOpen=${setShownId}
      onToggle=${() => act(chosen().some((t) => !t.paused) ? 'pause' : 'resume')} onShare=${share}
      onRemove=${() => chosen().length > 0 && open('remove', { items: chosen() })} />
    ${graph && html`<${SpeedGraph} />`}
    <${Bottom} onLimits=${() => open('limits')} graph=${graph} onGraph=${() => {
      remember('graph', !graph);
      setGraph(!graph);
    }} />
    <${Offline} />
    <${Notices} />
    ${over && html`<div class="drop" aria-hidden="true">Drop to add</div>`}
    ${Opened && html`<${Opened} key=${dialog.kind} ...${more} ...${dialog.more} onClose=${() => setDialog(null)} />`}`;
}

setTheme(theme());
render(html`<${App} />`, document.getElementById('app'));
start();
