// Dialogs: adding, removing, limits, settings. Each is a <dialog>, so that the browser keeps the focus in it and Escape ends it.
import { html, useState, useEffect, useLayoutEffect, useRef, theme, setTheme } from './view.js';
import { call, batch, get, torrentPath } from './api.js';
import { bytes, exactBytes, parseBytes } from './format.js';
import { store } from './store.js';

// Without an action there is only a button that closes it.
export function Dialog({ title, onClose, onSubmit, action, danger, busy, more, wide, children }) {
  const box = useRef(null);
  // Before the page is painted: later it would take the focus from who types already.
  useLayoutEffect(() => {
    box.current.showModal();
  }, []);
  return html`<dialog ref=${box} class=${wide ? 'wide' : ''} aria-labelledby="dialog-title" onClose=${onClose}>
    <form method="dialog" onSubmit=${(event) => {
      event.preventDefault();
      if (action) onSubmit();
      else box.current.close();
    }}>
      <h2 id="dialog-title">${title}</h2>
      ${children}
      <p class="buttons">
        ${more}
        <button type="button" onClick=${() => box.current.close()}>${action ? 'Cancel' : 'Close'}</button>
        ${action && html`<button type="submit" class=${danger ? 'danger' : 'main'} disabled=${busy}>${action}</button>`}
      </p>
    </form>
  </dialog>`;
}

export function RemoveDialog({ items, onClose, onDone }) {
  const [withData, setWithData] = useState(false);
  const [busy, setBusy] = useState(false);
  const size = items.reduce((sum, item) => sum + item.done, 0);
  const submit = async () => {
    setBusy(true);
    const ids = items.map((item) => item.id);
    if (await store.attempt(() => batch('remove', ids, { deleteData: withData }))) onDone();
    onClose();
  };
  return html`<${Dialog} title=${items.length === 1 ? 'Remove torrent' : `Remove ${items.length} torrents`}
    action=${withData ? 'Remove with files' : 'Remove'} danger=${withData} busy=${busy} onClose=${onClose} onSubmit=${submit}>
    <ul class="chosen">${items.slice(0, 8).map((item) => html`<li>${item.name}</li>`)}${items.length > 8 && html`<li>and ${items.length - 8} more</li>`}</ul>
    <label class="tick"><input type="checkbox" name="data" checked=${withData} onChange=${(event) => setWithData(event.target.checked)} />
      Delete what was downloaded, too (${bytes(size)})</label>
  <//>`;
}

// Labels of many at once: those that all have can be taken away, others are added to what each has.
export function LabelsDialog({ items, onClose }) {
  const common = items[0].labels.filter((label) => items.every((item) => item.labels.includes(label)));
  const [labels, setLabels] = useState(common.join(', '));
  const [category, setCategory] = useState(items.every((item) => item.category === items[0].category) ? (items[0].category ?? '') : null);
  const submit = async () => {
    const wanted = labels.split(',').map((label) => label.trim()).filter(Boolean);
    const groups = new Map();
    for (const item of items) {
      const own = item.labels.filter((label) => !common.includes(label));
      const next = JSON.stringify([...new Set([...own, ...wanted])]);
      groups.set(next, [...(groups.get(next) ?? []), item.id]);
    }
    const change = async () => {
      for (const [next, ids] of groups) {
        await batch('change', ids, { change: { labels: JSON.parse(next), ...(category === null ? {} : { category: category.trim() }) } });
      }
    };
    if (await store.attempt(change)) onClose();
  };
  return html`<${Dialog} title=${items.length === 1 ? `Labels of ${items[0].name}` : `Labels of ${items.length} torrents`} action="Save" onClose=${onClose} onSubmit=${submit}>
    <label>Labels${items.length > 1 ? ' that all of them have' : ''}, with commas
      <input name="labels" autofocus value=${labels} onInput=${(event) => setLabels(event.target.value)} /></label>
    <label>Category <input name="category" value=${category ?? ''} placeholder=${category === null ? 'various' : ''} onInput=${(event) => setCategory(event.target.value)} /></label>
  <//>`;
}

export function RenameDialog({ t, node, onClose, onDone }) {
  const [path, setPath] = useState(node.path);
  const submit = async () => {
    const next = path.trim().replace(/\/+$/, '');
    const renames = node.file
      ? [{ index: node.file.index, path: next }]
      : node.inside.map((file) => ({ index: file.index, path: next + file.path.slice(node.path.length) }));
    if (await store.attempt(() => call('PATCH', torrentPath(t.id, '/files'), { renames }))) {
      onDone();
      onClose();
    }
  };
  return html`<${Dialog} title=${`Rename ${node.file ? 'file' : 'folder'}`} action="Rename" onClose=${onClose} onSubmit=${submit}>
    <label>Path below the folder of the content
      <input name="path" required autofocus value=${path} onInput=${(event) => setPath(event.target.value)} spellcheck="false" /></label>
  <//>`;
}

export function MoveDialog({ items, onClose }) {
  const [folder, setFolder] = useState(items[0].saveDirectory);
  const submit = async () => {
    const ids = items.map((item) => item.id);
    if (await store.attempt(() => batch('move', ids, { move: { saveDirectory: folder.trim(), keepFiles: false } }), 'Moving')) onClose();
  };
  return html`<${Dialog} title="Move content" action="Move" onClose=${onClose} onSubmit=${submit}>
    <label>To the folder <input required autofocus value=${folder} onInput=${(event) => setFolder(event.target.value)} spellcheck="false" /></label>
  <//>`;
}

const asLimit = (value) => (value > 0 ? exactBytes(value) : '');

export function RateInput({ label, value, onInput }) {
  return html`<label>${label} <input value=${value} placeholder="no limit" inputmode="text" spellcheck="false"
    aria-invalid=${parseBytes(value) === null} onInput=${(event) => onInput(event.target.value)} /></label>`;
}

export function LimitsDialog({ onClose }) {
  const [values, setValues] = useState(null);
  useEffect(() => {
    store.attempt(async () => {
      const { settings } = await get('/settings');
      const of = (key) => settings.find((setting) => setting.key === key)?.value;
      setValues({
        'limits.download': asLimit(of('limits.download')),
        'limits.upload': asLimit(of('limits.upload')),
        'alternative.download': asLimit(of('alternative.download')),
        'alternative.upload': asLimit(of('alternative.upload')),
        'alternative.enabled': of('alternative.enabled'),
      });
    });
  }, []);
  if (!values) return null;
  const set = (key) => (value) => setValues((now) => ({ ...now, [key]: value }));
  const submit = async () => {
    const change = Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, typeof value === 'boolean' ? value : parseBytes(value)]),
    );
    if (Object.values(change).includes(null)) return store.notice('A limit is a number with a unit, such as 500 kB or 5 Mbit.', true);
    if (await store.attempt(() => call('PATCH', '/settings', change))) onClose();
  };
  return html`<${Dialog} title="Speed limits" action="Save" onClose=${onClose} onSubmit=${submit}>
    <p class="hint">A second, over all torrents: 500 kB, 2 MB, 5 Mbit. Empty: no limit.</p>
    <${RateInput} label="Download" value=${values['limits.download']} onInput=${set('limits.download')} />
    <${RateInput} label="Upload" value=${values['limits.upload']} onInput=${set('limits.upload')} />
    <label class="tick"><input type="checkbox" checked=${values['alternative.enabled']}
      onChange=${(event) => set('alternative.enabled')(event.target.checked)} /> Use the alternative limits instead</label>
    <${RateInput} label="Alternative download" value=${values['alternative.download']} onInput=${set('alternative.download')} />
    <${RateInput} label="Alternative upload" value=${values['alternative.upload']} onInput=${set('alternative.upload')} />
  <//>`;
}

function Setting({ setting, value, onChange }) {
  const id = `setting-${setting.key}`;
  const isFlag = typeof setting.default === 'boolean';
  const field = isFlag
    ? html`<input id=${id} type="checkbox" checked=${value} onChange=${(event) => onChange(event.target.checked)} />`
    : Array.isArray(setting.default)
      ? html`<textarea id=${id} rows="2" spellcheck="false" value=${value.join('\n')}
          onInput=${(event) => onChange(event.target.value.split('\n').map((line) => line.trim()).filter(Boolean))}></textarea>`
      : typeof setting.default === 'number'
        ? html`<input id=${id} type="number" step="any" value=${value} onInput=${(event) => onChange(event.target.valueAsNumber)} />`
        : html`<input id=${id} spellcheck="false" value=${value} onInput=${(event) => onChange(event.target.value)} />`;
  return html`<div class="setting">
    <label for=${id}>${setting.key}${setting.needsRestart ? html` <small>(from the next start on)</small>` : ''}</label>
    ${field}
    <p class="hint">${setting.help}${Array.isArray(setting.default) ? ' One a line.' : ''}</p>
  </div>`;
}

export function SettingsDialog({ onClose }) {
  const [settings, setSettings] = useState(null);
  const [changes, setChanges] = useState({});
  const [search, setSearch] = useState('');
  const [colours, setColours] = useState(theme());
  useEffect(() => {
    store.attempt(async () => setSettings((await get('/settings')).settings));
  }, []);
  if (!settings) return null;
  const words = search.toLowerCase();
  const submit = async () => {
    const result = await store.attempt(() => call('PATCH', '/settings', changes));
    if (!result) return;
    store.notice(result.needRestart.length > 0 ? `Saved; from the next start on: ${result.needRestart.join(', ')}` : 'Saved');
    onClose();
  };
  return html`<${Dialog} title="Settings" action="Save" busy=${Object.keys(changes).length === 0} onClose=${onClose} onSubmit=${submit}>
    <label>Colours, in this browser <select value=${colours} onChange=${(event) => {
      setTheme(event.target.value);
      setColours(event.target.value);
    }}><option value="system">As the system has them</option><option value="light">Light</option><option value="dark">Dark</option></select></label>
    <label>Search <input type="search" autofocus value=${search} onInput=${(event) => setSearch(event.target.value)} /></label>
    <div class="settings" tabindex="0" role="group" aria-label="Settings">
      ${settings
        .filter((setting) => `${setting.key} ${setting.help}`.toLowerCase().includes(words))
        .map((setting) => html`<${Setting} key=${setting.key} setting=${setting} value=${changes[setting.key] ?? setting.value}
          onChange=${(value) => setChanges((now) => ({ ...now, [setting.key]: value }))} />`)}
    </div>
  <//>`;
}
