// The dialog that adds torrents, and lets their files be chosen before anything is fetched.
import { html, useState } from './view.js';
import { call } from './api.js';
import { bytes } from './format.js';
import { store } from './store.js';
import { Dialog } from './dialogs.js';
import { FileTree } from './tree.js';

function base64(buffer) {
  const view = new Uint8Array(buffer);
  let text = '';
  for (let i = 0; i < view.length; i += 32768) text += String.fromCharCode(...view.subarray(i, i + 32768));
  return btoa(text);
}

const isUrl = (source) => /^https?:/i.test(source);
const whatOf = async (wish) => (wish.file ? { metainfo: base64(await wish.file.arrayBuffer()) } : { source: wish.name });

export function AddDialog({ start, onClose, onAdded }) {
  const [links, setLinks] = useState(start.links ?? '');
  const [files, setFiles] = useState(start.files ?? []);
  const [folder, setFolder] = useState('');
  const [labels, setLabels] = useState('');
  const [paused, setPaused] = useState(false);
  const [sequential, setSequential] = useState(false);
  const [busy, setBusy] = useState(false);
  const [faults, setFaults] = useState([]);
  // What the one torrent holds, its files with the priorities that were chosen.
  const [preview, setPreview] = useState(null);
  const wishes = [
    ...links.split('\n').map((line) => line.trim()).filter(Boolean).map((name) => ({ name })),
    ...files.map((file) => ({ name: file.name, file })),
  ];
  const common = () => {
    const wish = { paused, sequential };
    if (folder.trim()) wish.saveDirectory = folder.trim();
    const words = labels.split(',').map((label) => label.trim()).filter(Boolean);
    if (words.length > 0) wish.labels = words;
    return wish;
  };
  const add = async (more) => {
    setBusy(true);
    const [failed, added] = [[], []];
    for (const wish of wishes) {
      try {
        added.push(await call('POST', '/torrents', { ...(await whatOf(wish)), ...common(), ...more }));
      } catch (problem) {
        failed.push({ ...wish, text: `${wish.name}: ${problem.message}` });
      }
    }
    setBusy(false);
    if (added.length > 0) onAdded(added, more.pauseWhenKnown);
    if (failed.length === 0 && wishes.length > 0) return onClose();
    // What failed stays, to be mended.
    setPreview(null);
    setLinks(failed.filter((one) => !one.file).map((one) => one.name).join('\n'));
    setFiles(failed.filter((one) => one.file).map((one) => one.file));
    setFaults(wishes.length === 0 ? ['Give a link, or choose a file.'] : failed.map((one) => one.text));
  };
  const submit = () => {
    const groups = Object.groupBy((preview?.files ?? []).filter((file) => file.priority !== 'normal'), (file) => file.priority);
    const chosen = Object.entries(groups).map(([priority, list]) => ({ indices: list.map((file) => file.index), priority }));
    return add(chosen.length > 0 ? { files: chosen } : {});
  };
  const choose = async () => {
    if (wishes.length !== 1) return setFaults(['Files are chosen of one torrent at a time.']);
    const [wish] = wishes;
    // Of a link nobody knows its files yet: peers tell, and then it waits.
    if (!wish.file && !isUrl(wish.name)) return add({ pauseWhenKnown: true });
    setBusy(true);
    setFaults([]);
    try {
      const what = await whatOf(wish);
      const found = await call('POST', '/torrents/preview', what);
      if (found.present) setFaults([`It is here already: ${found.name}`]);
      else setPreview(found);
    } catch (problem) {
      setFaults([`${wish.name}: ${problem.message}`]);
    }
    setBusy(false);
  };
  const wanted = (indices, priority) => {
    const those = new Set(indices);
    setPreview({ ...preview, files: preview.files.map((file) => (those.has(file.index) ? { ...file, priority } : file)) });
  };
  const title = preview ? `Add ${preview.name}` : 'Add torrents';
  const size = (preview?.files ?? []).reduce((sum, file) => sum + (file.priority === 'skip' ? 0 : file.size), 0);
  return html`<${Dialog} title=${title} action=${busy ? 'Adding …' : 'Add'} busy=${busy} onClose=${onClose} onSubmit=${submit}
    more=${!preview && html`<button type="button" disabled=${busy} onClick=${choose}>Choose files …</button>`}>
    ${preview
      ? html`<p class="hint">${bytes(size)} of ${bytes(preview.size)} chosen${preview.private ? ', private' : ''}${preview.comment ? `: ${preview.comment}` : ''}</p>
        <div class="chooser"><${FileTree} files=${preview.files} onWish=${wanted} choosing /></div>`
      : html`<label>Magnet links, URLs or infohashes, one a line
          <textarea name="links" rows="3" autofocus value=${links} onInput=${(event) => setLinks(event.target.value)} spellcheck="false"></textarea></label>
        <label>Torrent files
          <input type="file" multiple accept=".torrent,application/x-bittorrent" onChange=${(event) => setFiles([...event.target.files])} /></label>
        ${files.length > 0 && html`<ul class="chosen">${files.map((file) => html`<li>${file.name}</li>`)}</ul>`}`}
    <label>Folder
      <input name="folder" value=${folder} placeholder=${store.status?.downloadDirectory} onInput=${(event) => setFolder(event.target.value)} spellcheck="false" /></label>
    <label>Labels, with commas
      <input name="labels" value=${labels} onInput=${(event) => setLabels(event.target.value)} /></label>
    <label class="tick"><input type="checkbox" checked=${paused} onChange=${(event) => setPaused(event.target.checked)} /> Do not begin yet</label>
    <label class="tick"><input type="checkbox" checked=${sequential} onChange=${(event) => setSequential(event.target.checked)} /> From the beginning on, to watch while it arrives</label>
    ${faults.length > 0 && html`<ul class="faults" role="alert">${faults.map((fault) => html`<li>${fault}</li>`)}</ul>`}
  <//>`;
}
