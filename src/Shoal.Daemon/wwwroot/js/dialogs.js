// Dialogs: adding, removing, limits, settings. Each is a <dialog>, so that the browser keeps the focus in it and Escape ends it.
import { html, useState, useEffect, useLayoutEffect, useRef } from './view.js';
import { call, batch, get } from './api.js';
import { bytes, exactBytes, parseBytes } from './format.js';
import { store } from './store.js';

export function Dialog({ title, onClose, onSubmit, action, danger, busy, children }) {
  const box = useRef(null);
  // Before the page is painted: later it would take the focus from who types already.
  useLayoutEffect(() => {
    box.current.showModal();
  }, []);
  return html`<dialog ref=${box} aria-labelledby="dialog-title" onClose=${onClose}>
    <form method="dialog" onSubmit=${(event) => {
      event.preventDefault();
      onSubmit();
    }}>
      <h2 id="dialog-title">${title}</h2>
      ${children}
      <p class="buttons">
        <button type="button" onClick=${() => box.current.close()}>Cancel</button>
        <button type="submit" class=${danger ? 'danger' : 'main'} disabled=${busy}>${action}</button>
      </p>
    </form>
  </dialog>`;
}

function base64(buffer) {
  const view = new Uint8Array(buffer);
  let text = '';
  for (let i = 0; i < view.length; i += 32768) text += String.fromCharCode(...view.subarray(i, i + 32768));
  return btoa(text);
}

export function AddDialog({ start, onClose, onAdded }) {
  const [links, setLinks] = useState(start.links ?? '');
  const [files, setFiles] = useState(start.files ?? []);
  const [folder, setFolder] = useState('');
  const [labels, setLabels] = useState('');
  const [paused, setPaused] = useState(false);
  const [sequential, setSequential] = useState(false);
  const [busy, setBusy] = useState(false);
  const [faults, setFaults] = useState([]);
  const submit = async () => {
    setBusy(true);
    const common = { paused, sequential };
    if (folder.trim()) common.saveDirectory = folder.trim();
    const words = labels.split(',').map((label) => label.trim()).filter(Boolean);
    if (words.length > 0) common.labels = words;
    const wishes = [
      ...links.split('\n').map((line) => line.trim()).filter(Boolean).map((source) => ({ name: source, what: { source } })),
      ...files.map((file) => ({ name: file.name, file })),
    ];
    const [failed, added] = [[], []];
    for (const wish of wishes) {
      try {
        const what = wish.what ?? { metainfo: base64(await wish.file.arrayBuffer()) };
        added.push(await call('POST', '/torrents', { ...what, ...common }));
      } catch (problem) {
        failed.push({ ...wish, text: `${wish.name}: ${problem.message}` });
      }
    }
    setBusy(false);
    if (added.length > 0) onAdded(added);
    if (failed.length === 0 && wishes.length > 0) return onClose();
    // What failed stays, to be mended.
    setLinks(failed.filter((one) => !one.file).map((one) => one.name).join('\n'));
    setFiles(failed.filter((one) => one.file).map((one) => one.file));
    setFaults(wishes.length === 0 ? ['Give a link, or choose a file.'] : failed.map((one) => one.text));
  };
  return html`<${Dialog} title="Add torrents" action=${busy ? 'Adding …' : 'Add'} busy=${busy} onClose=${onClose} onSubmit=${submit}>
    <label>Magnet links, URLs or infohashes, one a line
      <textarea rows="3" autofocus value=${links} onInput=${(event) => setLinks(event.target.value)} spellcheck="false"></textarea></label>
    <label>Torrent files
      <input type="file" multiple accept=".torrent,application/x-bittorrent" onChange=${(event) => setFiles([...event.target.files])} /></label>
    ${files.length > 0 && html`<ul class="chosen">${files.map((file) => html`<li>${file.name}</li>`)}</ul>`}
    <label>Folder
      <input value=${folder} placeholder=${store.status?.downloadDirectory} onInput=${(event) => setFolder(event.target.value)} spellcheck="false" /></label>
    <label>Labels, with commas
      <input value=${labels} onInput=${(event) => setLabels(event.target.value)} /></label>
    <label class="tick"><input type="checkbox" checked=${paused} onChange=${(event) => setPaused(event.target.checked)} /> Paused, to choose its files first</label>
    <label class="tick"><input type="checkbox" checked=${sequential} onChange=${(event) => setSequential(event.target.checked)} /> From the beginning on, to watch while it arrives</label>
    ${faults.length > 0 && html`<ul class="faults" role="alert">${faults.map((fault) => html`<li>${fault}</li>`)}</ul>`}
  <//>`;
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
  const set = (key) => (value) => setValues({ ...values, [key]: value });
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
    <label>Search <input type="search" autofocus value=${search} onInput=${(event) => setSearch(event.target.value)} /></label>
    <div class="settings" tabindex="0" role="group" aria-label="Settings">
      ${settings
        .filter((setting) => `${setting.key} ${setting.help}`.toLowerCase().includes(words))
        .map((setting) => html`<${Setting} key=${setting.key} setting=${setting} value=${changes[setting.key] ?? setting.value}
          onChange=${(value) => setChanges({ ...changes, [setting.key]: value })} />`)}
    </div>
  <//>`;
}
