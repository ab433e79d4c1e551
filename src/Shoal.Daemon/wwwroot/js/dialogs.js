// Dialogs: adding, removing, limits, settings. Each is a <dialog>, so that the browser keeps the focus in it and Escape ends it.
import { html, useState, useEffect, useLayoutEffect, useRef, theme, setTheme } from './view.js';
import { call, batch, get, torrentPath } from './api.js';
import { bytes, parseBytes } from './format.js';
import { asLimit, labels, limitFault, useForm } from './forms.js';
import { Notices } from './notices.js';
import { store } from './store.js';

let dialogs = 0;

// Without an action there is only a button that closes it.
export function Dialog({ title, onClose, onSubmit, action, cancel = 'Cancel', danger, busy, more, wide, children }) {
  const box = useRef(null);
  const gone = useRef(false);
  const [id] = useState(() => `dialog-${++dialogs}`);
  // Before the page is painted: later it would take the focus from who types already. Closed it gives the focus back.
  useLayoutEffect(() => {
    const element = box.current;
    element.showModal();
    return () => {
      gone.current = true;
      element.close();
    };
  }, []);
  return html`<dialog ref=${box} class=${wide ? 'wide' : ''} aria-labelledby=${id} onClose=${() => gone.current || onClose()}>
    <form method="dialog" onSubmit=${(event) => {
      event.preventDefault();
      if (action) onSubmit();
      else box.current.close();
    }}>
      <h2 id=${id}>${title}</h2>
      ${children}
      <p class="buttons">
        ${more}
        <button type="button" onClick=${() => box.current.close()}>${action ? cancel : 'Close'}</button>
        ${action && html`<button type="submit" class=${danger ? 'danger' : 'main'} disabled=${busy}>${action}</button>`}
      </p>
    </form>
    <${Notices} />
  </dialog>`;
}

// Asks before something goes for good.
export function ConfirmDialog({ title, action, what, onClose, onYes }) {
  const submit = async () => {
    if (await store.attempt(onYes)) onClose();
  };
  return html`<${Dialog} title=${title} action=${action} danger onClose=${onClose} onSubmit=${submit}><p>${what}</p><//>`;
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
  const isOne = items.every((item) => item.category === items[0].category);
  const { form, text } = useForm({ labels: common.join(', '), category: isOne ? (items[0].category ?? '') : '' });
  const submit = async () => {
    const wanted = labels(form.labels);
    // Where they have various ones an empty field leaves each its own.
    const category = isOne || form.category.trim() ? { category: form.category.trim() } : {};
    const groups = new Map();
    for (const item of items) {
      const own = item.labels.filter((label) => !common.includes(label));
      const next = JSON.stringify([...new Set([...own, ...wanted])]);
      groups.set(next, [...(groups.get(next) ?? []), item.id]);
    }
    const change = async () => {
      for (const [next, ids] of groups) {
        await batch('change', ids, { change: { labels: JSON.parse(next), ...category } });
      }
    };
    if (await store.attempt(change)) onClose();
  };
  return html`<${Dialog} title=${items.length === 1 ? `Labels of ${items[0].name}` : `Labels of ${items.length} torrents`} action="Save" onClose=${onClose} onSubmit=${submit}>
    ${text('labels', `Labels${items.length > 1 ? ' that all of them have' : ''}, with commas`, { autofocus: true })}
    ${text('category', 'Category', { placeholder: isOne ? '' : 'various' })}
  <//>`;
}

export function RenameDialog({ t, node, onClose, onDone }) {
  const { form, text } = useForm({ path: node.path });
  const submit = async () => {
    const next = form.path.trim().replace(/\/+$/, '');
    const renames = node.file
      ? [{ index: node.file.index, path: next }]
      : node.inside.map((file) => ({ index: file.index, path: next + file.path.slice(node.path.length) }));
    if (await store.attempt(() => call('PATCH', torrentPath(t.id, '/files'), { renames }))) {
      onDone();
      onClose();
    }
  };
  return html`<${Dialog} title=${`Rename ${node.file ? 'file' : 'folder'}`} action="Rename" onClose=${onClose} onSubmit=${submit}>
    ${text('path', 'Path below the folder of the content', { required: true, autofocus: true })}
  <//>`;
}

export function MoveDialog({ items, onClose }) {
  const { form, text } = useForm({ folder: items[0].saveDirectory });
  const submit = async () => {
    const ids = items.map((item) => item.id);
    if (await store.attempt(() => batch('move', ids, { move: { saveDirectory: form.folder.trim(), keepFiles: false } }), 'Moving')) onClose();
  };
  return html`<${Dialog} title="Move content" action="Move" onClose=${onClose} onSubmit=${submit}>
    ${text('folder', 'To the folder', { required: true, autofocus: true })}
  <//>`;
}

const limitKeys = ['limits.download', 'limits.upload', 'alternative.download', 'alternative.upload'];

export function LimitsDialog({ onClose }) {
  const { form, setForm, limit, tick } = useForm(null);
  useEffect(() => {
    store.attempt(async () => {
      const { settings } = await get('/settings');
      const all = Object.fromEntries(settings.map((setting) => [setting.key, setting.value]));
      setForm(Object.fromEntries([...limitKeys.map((key) => [key, asLimit(all[key])]), ['alternative.enabled', all['alternative.enabled']]]));
    });
  }, []);
  if (!form) return null;
  const submit = async () => {
    const change = { ...form, ...Object.fromEntries(limitKeys.map((key) => [key, parseBytes(form[key])])) };
    if (Object.values(change).includes(null)) return store.notice(limitFault, true);
    if (await store.attempt(() => call('PATCH', '/settings', change))) onClose();
  };
  return html`<${Dialog} title="Speed limits" action="Save" onClose=${onClose} onSubmit=${submit}>
    <p class="hint">A second, over all torrents: 500 kB, 2 MB, 5 Mbit. Empty: no limit.</p>
    ${limit('limits.download', 'Download')}
    ${limit('limits.upload', 'Upload')}
    ${tick('alternative.enabled', 'Use the alternative limits instead')}
    ${limit('alternative.download', 'Alternative download')}
    ${limit('alternative.upload', 'Alternative upload')}
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
