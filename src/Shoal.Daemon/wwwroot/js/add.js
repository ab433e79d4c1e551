// The dialog that adds torrents, and lets their files be chosen before anything is fetched.
import { html, useState, useEffect } from './view.js';
import { call, get } from './api.js';
import { bytes } from './format.js';
import { store } from './store.js';
import { Dialog } from './dialogs.js';
import { base64, labels, lines, useForm } from './forms.js';
import { FileTree } from './tree.js';

const isUrl = (source) => /^https?:/i.test(source);
const whatOf = async (wish) => (wish.file ? { metainfo: await base64(wish.file) } : { source: wish.name });

export function AddDialog({ start = {}, onClose, onAdded }) {
  const { form, setForm, text, area, tick } = useForm({ links: start.links ?? '', folder: '', category: '', labels: '', paused: false, sequential: false });
  const [files, setFiles] = useState(start.files ?? []);
  const [busy, setBusy] = useState(false);
  const [faults, setFaults] = useState([]);
  // What the one torrent holds, its files with the priorities that were chosen.
  const [preview, setPreview] = useState(null);
  const [categories, setCategories] = useState([]);
  useEffect(() => {
    get('/categories').then((answer) => setCategories(answer.categories), () => {});
  }, []);
  const folderOf = (category) => categories.find(({ name }) => name === category.trim())?.saveDirectory ?? store.status?.downloadDirectory;
  const wishes = [
    ...lines(form.links).map((name) => ({ name })),
    ...files.map((file) => ({ name: file.name, file })),
  ];
  const common = () => {
    const wish = { paused: form.paused, sequential: form.sequential, labels: labels(form.labels) };
    if (form.folder.trim()) wish.saveDirectory = form.folder.trim();
    if (form.category.trim()) wish.category = form.category.trim();
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
    setForm({ ...form, links: failed.filter((one) => !one.file).map((one) => one.name).join('\n') });
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
      : html`${area('links', 'Magnet links, URLs or infohashes, one a line', { rows: 3, autofocus: true })}
        <label>Torrent files
          <input type="file" multiple accept=".torrent,application/x-bittorrent" onChange=${(event) => setFiles([...event.target.files])} /></label>
        ${files.length > 0 && html`<ul class="chosen">${files.map((file) => html`<li>${file.name}</li>`)}</ul>`}`}
    ${text('category', 'Category', { list: 'categories' })}
    <datalist id="categories">${categories.map(({ name }) => html`<option value=${name}></option>`)}</datalist>
    ${text('folder', 'Folder', { placeholder: folderOf(form.category) })}
    ${text('labels', 'Labels, with commas')}
    ${tick('paused', 'Do not begin yet')}
    ${tick('sequential', 'From the beginning on, to watch while it arrives')}
    ${faults.length > 0 && html`<ul class="faults" role="alert">${faults.map((fault) => html`<li>${fault}</li>`)}</ul>`}
  <//>`;
}
