// Making torrents of what lies where the daemon is, and handing them on.
import { html, useState, useEffect, useRef } from './view.js';
import { call, get, root, torrentPath } from './api.js';
import { bytes } from './format.js';
import { store } from './store.js';
import { Dialog } from './dialogs.js';
import { labels, lines, useForm } from './forms.js';
import { Bar } from './list.js';

const KiB = 1024;
const lengths = [16, 64, 256, 1024, 4096, 16384].map((size) => size * KiB);

export function CreateDialog({ onClose, onShare }) {
  const { form, text, area, tick, choice } = useForm({ path: '', format: 'hybrid', pieceLength: 0, trackers: '', webSeeds: '', comment: '', labels: '', private: false, seed: true });
  const [made, setMade] = useState(null);
  const [fault, setFault] = useState('');
  const over = made?.state === 'done' || made?.state === 'failed';
  const id = made?.id;
  useEffect(() => {
    if (!id || over) return undefined;
    const timer = setInterval(() => get(`/creations/${id}`).then(setMade, (problem) => setFault(problem.message)), 500);
    return () => clearInterval(timer);
  }, [id, over]);
  const submit = async () => {
    setFault('');
    if (made?.state === 'done') return made.torrent ? onShare(made.torrent) : onClose();
    try {
      setMade(await call('POST', '/creations', {
        path: form.path.trim(),
        format: form.format,
        pieceLength: Number(form.pieceLength),
        trackers: lines(form.trackers).map((url) => [url]),
        webSeeds: lines(form.webSeeds),
        comment: form.comment,
        labels: labels(form.labels),
        private: form.private,
        seed: form.seed,
      }));
    } catch (problem) {
      setFault(problem.message);
    }
  };
  const close = () => {
    // Who closes it while it is hashed has thought better of it.
    if (id && !over) call('DELETE', `/creations/${id}`).catch(() => {});
    onClose();
  };
  const working = made && made.state !== 'failed';
  return html`<${Dialog} title="Create a torrent" onClose=${close} onSubmit=${submit} busy=${working && !over}
    action=${made?.state === 'done' ? (made.torrent ? 'Share' : 'Close') : 'Create'}>
    ${working
      ? html`<p>${made.path}</p>
        <${Bar} share=${made.size > 0 ? made.done / made.size : over ? 1 : 0} label="Hashing" />
        <p class="hint" role="status">${made.state === 'done' ? `Made: ${made.name}, ${bytes(made.size)}` : made.state === 'queued' ? 'Waits for another one' : `${bytes(made.done)} of ${bytes(made.size)} hashed`}</p>
        ${made.state === 'done' && html`<p><a href=${`${root}/creations/${made.id}/metainfo`} download=${`${made.name}.torrent`}>Save the .torrent file</a></p>`}`
      : html`${text('path', 'File or folder, where the daemon runs', { required: true, autofocus: true, placeholder: `${store.status?.downloadDirectory ?? ''}/…` })}
        ${area('trackers', 'Trackers, one a line (none: peers find each other by the DHT)')}
        ${area('webSeeds', 'Web seeds, one a line')}
        ${text('comment', 'Comment')}
        ${text('labels', 'Labels, with commas')}
        <div class="pair">${choice('format', 'Format', [['hybrid', 'v1 and v2, for all clients'], ['v1', 'v1'], ['v2', 'v2']])}
          ${choice('pieceLength', 'Pieces of', [[0, 'by size'], ...lengths.map((size) => [size, size >= KiB * KiB ? `${size / KiB / KiB} MiB` : `${size / KiB} KiB`])])}</div>
        ${tick('private', 'Private: peers from the trackers only')}
        ${tick('seed', 'Share it as soon as it is made')}`}
    ${(fault || made?.error) && html`<p class="faults" role="alert">${fault || made.error}</p>`}
  <//>`;
}

export function ShareDialog({ id, onClose }) {
  const [details, setDetails] = useState(null);
  const field = useRef(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let timer = 0;
    store.attempt(async () => {
      const found = await get(torrentPath(id));
      // Its trackers are known when it is opened.
      if (found.torrent.state === 'loading') timer = setTimeout(() => setTurn(turn + 1), 300);
      else setDetails(found);
    });
    return () => clearTimeout(timer);
  }, [id, turn]);
  const t = details?.torrent;
  const copy = async () => {
    field.current.select();
    try {
      await navigator.clipboard.writeText(details.magnet);
    } catch {
      // Only pages that came safely may use the clipboard by themselves.
      document.execCommand('copy');
    }
    store.notice('Copied');
  };
  const save = () =>
    store.attempt(async () => {
      const blob = await call('GET', torrentPath(id, '/metainfo'), undefined, 'blob');
      const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(blob), download: `${t.name}.torrent` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    });
  return html`<${Dialog} title=${t ? `Share ${t.name}` : 'Share'} onClose=${onClose} onSubmit=${copy} action="Copy link" busy=${!t}>
    <p class="qr">${t && html`<img src=${root + torrentPath(id, '/qr')} alt="QR code of the magnet link" width="240" height="240" />`}</p>
    <label>Magnet link <input readonly ref=${field} value=${details?.magnet ?? ''} onFocus=${(event) => event.target.select()} /></label>
    <p><button type="button" disabled=${!t} onClick=${save}>Save the .torrent file</button></p>
  <//>`;
}

// Plays while it arrives. The link in it is for players; it opens this torrent and nothing else, for some hours.
export function PlayDialog({ t, file, onClose }) {
  const [link, setLink] = useState(null);
  useEffect(() => {
    call('POST', torrentPath(t.id, '/stream-links'), { file: file.index }).then(setLink, (problem) => {
      store.notice(problem.message, true);
      onClose();
    });
  }, []);
  if (!link) return null;
  // Below the page, wherever that lies.
  const here = (path) => path.replace(/^\//, '');
  const tag = link.type.startsWith('audio/') ? 'audio' : 'video';
  const tracks = link.subtitles.map((one) => html`<track kind="subtitles" src=${here(one.path)} label=${one.label} srclang=${one.language ?? undefined} />`);
  return html`<${Dialog} title=${link.name} onClose=${onClose} wide>
    ${link.type.startsWith('image/')
      ? html`<p class="qr"><img class="picture" src=${here(link.path)} alt=${link.name} /></p>`
      : html`<${tag} class="player" controls autoplay src=${here(link.path)}>${tracks}<//>`}
    <label>Link for a player <input readonly value=${new URL(here(link.path), document.baseURI).href} onFocus=${(event) => event.target.select()} /></label>
    <p><a href=${here(link.playlistPath)} download=${`${t.name}.m3u`}>Playlist of all that can be played (M3U)</a></p>
  <//>`;
}
