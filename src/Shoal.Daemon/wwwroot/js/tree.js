// Files of a torrent as folders that open and close, with what is wanted of each.
import { html, useState, useMemo } from './view.js';
import { bytes } from './format.js';
import { Windowed } from './windowed.js';
import { Bar } from './list.js';

export const wishes = { skip: 'Skip', low: 'Low', normal: 'Normal', high: 'High' };

// Trees with more files begin closed, but for the first level.
const openAtFirst = 200;

function folderOf(parent, name) {
  return { name, path: parent === '' ? name : `${parent}/${name}`, folders: new Map(), files: [], size: 0, done: 0, indices: [], wish: null };
}

// A file that is a name of a folder's object could not be called __proto__: maps have no such names.
export function treeOf(files) {
  const root = folderOf('', '');
  for (const file of files) {
    const names = file.path.split('/');
    let at = root;
    const above = [root];
    for (const name of names.slice(0, -1)) {
      if (!at.folders.has(name)) at.folders.set(name, folderOf(at.path, name));
      at = at.folders.get(name);
      above.push(at);
    }
    at.files.push({ name: names.at(-1), path: file.path, file, size: file.size, done: file.done, indices: [file.index], wish: file.priority });
    for (const folder of above) {
      folder.size += file.size;
      folder.done += file.done;
      folder.wish = folder.indices.length === 0 || folder.wish === file.priority ? file.priority : 'mixed';
      folder.indices.push(file.index);
    }
  }
  return root;
}

function flatten(folder, isOpen, level, into) {
  for (const child of folder.folders.values()) {
    into.push({ node: child, level });
    if (isOpen(child.path)) flatten(child, isOpen, level + 1, into);
  }
  for (const file of folder.files) into.push({ node: file, level });
  return into;
}

// onWish(indices, wish); onRename(node) and extra(file), what a row has besides, may be missing.
export function FileTree({ files, onWish, onRename, extra, choosing }) {
  const [search, setSearch] = useState('');
  // Those that differ from how they were at first.
  const [turned, setTurned] = useState(new Set());
  const words = search.toLowerCase();
  const shown = useMemo(() => (words ? files.filter((file) => file.path.toLowerCase().includes(words)) : files), [files, words]);
  const tree = useMemo(() => treeOf(shown), [shown]);
  const openFirst = words !== '' || files.length <= openAtFirst;
  const isOpen = (path) => (openFirst || !path.includes('/')) !== turned.has(path);
  const rows = flatten(tree, isOpen, 1, []);
  const turn = (path) => {
    const next = new Set(turned);
    if (!next.delete(path)) next.add(path);
    setTurned(next);
  };
  const titles = choosing ? ['Name', 'Size', 'Priority'] : ['Name', 'Size', 'Progress', 'Priority'];
  const row = (i, style) => {
    const { node, level } = rows[i];
    const folder = !node.file;
    const wanted = node.wish !== 'skip';
    return html`<div class="row" role="row" aria-rowindex=${i + 2} aria-level=${level} aria-expanded=${folder ? isOpen(node.path) : undefined}
      key=${folder ? `/${node.path}` : node.file.index} style=${style}>
      <span role="gridcell" class="file" title=${node.path} style=${{ paddingLeft: `${(level - 1) * 1.1}rem` }}>
        <input type="checkbox" aria-label=${`Fetch ${node.path}`} checked=${wanted} ref=${(box) => box && (box.indeterminate = node.wish === 'mixed')}
          onChange=${() => onWish(node.indices, wanted && node.wish !== 'mixed' ? 'skip' : 'normal')} />
        ${folder
          ? html`<button type="button" class="folder" onClick=${() => turn(node.path)} aria-label=${`Folder ${node.path}`}>${isOpen(node.path) ? '▾' : '▸'} ${node.name}</button>`
          : html`<span class="file-name">${node.name}</span>`}
        ${onRename && html`<button type="button" class="icon" aria-label=${`Rename ${node.path}`} title="Rename" onClick=${() => onRename(node)}>✎</button>`}
        ${!folder && extra?.(node.file)}
      </span>
      <span role="gridcell" class="number">${bytes(node.size)}</span>
      ${!choosing && html`<span role="gridcell"><${Bar} share=${node.size > 0 ? node.done / node.size : 1} label=${`Progress of ${node.path}`} /></span>`}
      <span role="gridcell"><select aria-label=${`Priority of ${node.path}`} value=${node.wish} onChange=${(event) => onWish(node.indices, event.target.value)}>
        ${node.wish === 'mixed' && html`<option value="mixed" disabled>Mixed</option>`}
        ${Object.entries(wishes).map(([key, name]) => html`<option value=${key}>${name}</option>`)}</select></span></div>`;
  };
  return html`<div class="tools">
      <label>Filter <input type="search" value=${search} onInput=${(event) => setSearch(event.target.value)} /></label>
      <button type="button" onClick=${() => onWish(tree.indices, 'normal')}>All</button>
      <button type="button" onClick=${() => onWish(tree.indices, 'skip')}>None</button>
    </div>
    <${Windowed} label="Files" role="treegrid" className=${choosing ? 'files choosing' : 'files'} count=${rows.length} rowHeight=${34} columnCount=${titles.length}
      head=${html`<div class="head row" role="row">${titles.map((title) => html`<span role="columnheader">${title}</span>`)}</div>`} row=${row} />`;
}
