// What there is to know and to change of one torrent.
import { html, useState, useEffect, useRef, color } from './view.js';
import { batch, call, torrentPath } from './api.js';
import { bytes, rate, percent, ratio, span, date, states, parseBytes } from './format.js';
import { store } from './store.js';
import { usePolled } from './polled.js';
import { Tabs } from './tabs.js';
import { Windowed } from './windowed.js';
import { Bar } from './list.js';
import { RenameDialog } from './dialogs.js';
import { asLimit, labels, limitFault, lines, useForm } from './forms.js';
import { FileTree } from './tree.js';
import { PlayDialog } from './share.js';

const Fact = ({ name, children }) => html`<div><dt>${name}</dt><dd>${children}</dd></div>`;

const piecesText = (map) => {
  if (!map) return 'Pieces';
  const here = `${map.done} of ${map.count} pieces`;
  if (!map.copies) return here;
  const [copies, bits] = [atob(map.copies), atob(map.bits)];
  let nowhere = 0;
  for (let i = 0; i < map.count; i++) if (copies[i] === '\0' && !((bits.charCodeAt(i >> 3) >> (7 - (i & 7))) & 1)) nowhere++;
  return nowhere > 0 ? `${here}; no peer has ${nowhere} of the others` : `${here}; peers have all others`;
};

function PieceMap({ id }) {
  const [map] = usePolled(torrentPath(id, '/pieces'));
  const canvas = useRef(null);
  useEffect(() => {
    if (!map || map.count === 0 || !canvas.current) return;
    const bits = Uint8Array.from(atob(map.bits), (c) => c.charCodeAt(0));
    const copies = map.copies && Uint8Array.from(atob(map.copies), (c) => c.charCodeAt(0));
    const most = copies ? copies.reduce((a, b) => Math.max(a, b), 1) : 1;
    const width = Math.min(map.count, 1000);
    const element = canvas.current;
    element.width = width;
    // Above what is here, below it what peers have.
    element.height = copies ? 3 : 1;
    const context = element.getContext('2d');
    const [accent, good, bad] = [color('--accent'), color('--good'), color('--bad')];
    const draw = (x, y, height, paint, share) => {
      context.fillStyle = paint;
      context.globalAlpha = share;
      context.fillRect(x, y, 1, height);
    };
    for (let x = 0; x < width; x++) {
      const [from, to] = [Math.floor((x * map.count) / width), Math.floor(((x + 1) * map.count) / width)];
      let [have, fewest, missing] = [0, 255, false];
      for (let i = from; i < to; i++) {
        const here = (bits[i >> 3] >> (7 - (i & 7))) & 1;
        have += here;
        if (!copies) continue;
        fewest = Math.min(fewest, copies[i]);
        missing ||= !here && copies[i] === 0;
      }
      draw(x, 0, copies ? 2 : 1, accent, have / Math.max(1, to - from));
      if (copies) draw(x, 2, 1, missing ? bad : good, missing ? 1 : fewest / most);
    }
  }, [map]);
  return html`<canvas ref=${canvas} class="pieces" role="img" aria-label=${piecesText(map)}></canvas>`;
}

function Overview({ t }) {
  const [details] = usePolled(torrentPath(t.id));
  const d = details ?? {};
  return html`<${PieceMap} id=${t.id} />
    <dl class="facts">
      <${Fact} name="State">${t.error ? `${states[t.state]}: ${t.error}` : states[t.state]}<//>
      <${Fact} name="Done">${bytes(t.done)} of ${bytes(t.wantedSize)} (${percent(t.progress)})<//>
      <${Fact} name="Downloaded">${bytes(t.downloaded)} ${rate(t.downloadRate)}<//>
      <${Fact} name="Uploaded">${bytes(t.uploaded)} ${rate(t.uploadRate)}<//>
      <${Fact} name="Ratio">${ratio(t.ratio)}<//>
      <${Fact} name="Time left">${span(t.secondsLeft)}<//>
      <${Fact} name="Availability">${t.availability.toFixed(2)}<//>
      <${Fact} name="Swarm">${t.swarmSeeds ?? '?'} with everything, ${t.swarmPeers ?? '?'} others<//>
      <${Fact} name="Added">${date(t.addedAt)}<//>
      <${Fact} name="Completed">${date(t.completedAt)}<//>
      <${Fact} name="Seeding for">${span(t.seedingSeconds)}<//>
      <${Fact} name="Folder">${t.saveDirectory}${t.movingTo ? ` → ${t.movingTo}` : ''}<//>
      <${Fact} name="Pieces">${d.pieces > 0 ? `${d.piecesDone} of ${d.pieces}, ${bytes(d.pieceLength)} each` : ''}<//>
      <${Fact} name="Format">${d.format}${t.private ? ', private' : ''}<//>
      <${Fact} name="Wasted">${bytes(d.wasted)}, ${d.hashFailures} bad pieces<//>
      <${Fact} name="Made">${[d.createdBy, date(d.createdAt)].filter(Boolean).join(', ')}<//>
      <${Fact} name="Comment">${d.comment}<//>
      <${Fact} name="Infohash"><code>${[t.infoHashV1, t.infoHashV2].filter(Boolean).join(' ')}</code><//>
    </dl>
    <label class="link">Magnet link
      <input readonly value=${d.magnet ?? ''} onFocus=${(event) => event.target.select()} /></label>`;
}

const playable = /\.(mp4|m4v|mkv|webm|mov|avi|ogv|ts|mp3|m4a|flac|ogg|oga|opus|wav|aac|jpe?g|png|gif|webp|avif)$/i;

function Files({ t }) {
  const [list, again] = usePolled(torrentPath(t.id, '/files'));
  const [renaming, setRenaming] = useState(null);
  const [playing, setPlaying] = useState(null);
  const play = (file) => playable.test(file.path) && html`<button type="button" class="icon" aria-label=${`Play ${file.path}`} title="Play" onClick=${() => setPlaying(file)}>▶</button>`;
  const change = async (indices, priority) => {
    await store.attempt(() => call('PATCH', torrentPath(t.id, '/files'), { priorities: [{ indices, priority }] }));
    again();
  };
  const files = list?.files ?? [];
  const rename = (node) => setRenaming({ ...node, inside: files.filter((file) => file.path.startsWith(`${node.path}/`)) });
  if (list && files.length === 0) return html`<p class="hint">The files are not known yet: peers have to tell.</p>`;
  return html`${t.paused && t.done === 0 && html`<p class="hint">Nothing is fetched yet: choose what you want, then${' '}
      <button type="button" class="main" onClick=${() => store.attempt(() => batch('resume', [t.id]))}>Start</button></p>`}
    <${FileTree} files=${files} onWish=${change} onRename=${rename} extra=${play} />
    ${playing && html`<${PlayDialog} t=${t} file=${playing} onClose=${() => setPlaying(null)} />`}
    ${renaming && html`<${RenameDialog} t=${t} node=${renaming} onClose=${() => setRenaming(null)} onDone=${again} />`}`;
}

function Peers({ t }) {
  const [list, again] = usePolled(torrentPath(t.id, '/peers'));
  const [address, setAddress] = useState('');
  const peers = list?.peers ?? [];
  const add = async (event) => {
    event.preventDefault();
    if (await store.attempt(() => call('POST', torrentPath(t.id, '/peers'), { peers: [address.trim()] }), 'It is called')) setAddress('');
    again();
  };
  return html`<form class="tools" onSubmit=${add}>
      <label>Another peer <input placeholder="192.0.2.7:6881" required value=${address} onInput=${(event) => setAddress(event.target.value)} /></label>
      <button>Add</button></form>
    <${Windowed} label="Peers" className="peers" count=${peers.length} rowHeight=${34} columnCount=${6}
      head=${html`<div class="head row" role="row">${['Address', 'Client', 'By', 'Progress', 'Down', 'Up'].map((title) => html`<span role="columnheader">${title}</span>`)}</div>`}
      row=${(i, style) => {
        const peer = peers[i];
        const by = `${peer.transport}${peer.encryption === 'none' ? '' : `, ${peer.encryption}`}`;
        return html`<div class="row" role="row" aria-rowindex=${i + 2} key=${peer.address} style=${style}>
          <span role="gridcell" title=${peer.sources.join(', ')}>${peer.address}</span><span role="gridcell">${peer.client}</span>
          <span role="gridcell">${by}</span><span role="gridcell"><${Bar} share=${peer.progress} label=${`Progress of ${peer.address}`} /></span>
          <span role="gridcell" class="number">${rate(peer.downloadRate)}</span><span role="gridcell" class="number">${rate(peer.uploadRate)}</span></div>`;
      }} />`;
}

function Trackers({ t }) {
  const [list, again] = usePolled(torrentPath(t.id, '/trackers'));
  const [text, setText] = useState(null);
  const trackers = list?.trackers ?? [];
  const tiers = () => {
    const rows = [];
    for (const one of trackers) (rows[one.tier] ??= []).push(one.url);
    return rows.filter(Boolean).map((urls) => urls.join('\n')).join('\n\n');
  };
  const save = async () => {
    const next = text.split(/\n\s*\n/).map(lines).filter((tier) => tier.length > 0);
    if (await store.attempt(() => call('PUT', torrentPath(t.id, '/trackers'), { tiers: next }))) setText(null);
    again();
  };
  if (text !== null) {
    return html`<label>Trackers, one a line; an empty line begins the next tier
        <textarea rows="6" spellcheck="false" value=${text} onInput=${(event) => setText(event.target.value)}></textarea></label>
      <p class="buttons"><button type="button" onClick=${() => setText(null)}>Cancel</button>
      <button type="button" class="main" onClick=${save}>Save</button></p>`;
  }
  return html`<div class="tools">
      <button type="button" onClick=${() => store.attempt(() => call('POST', torrentPath(t.id, '/announce')), 'Looking for peers')}>Announce now</button>
      <button type="button" onClick=${() => setText(tiers())}>Edit</button></div>
    <table><thead><tr><th>Tracker</th><th>Answer</th><th>Seeds</th><th>Peers</th><th>Next</th></tr></thead>
      <tbody>${trackers.map((one) => html`<tr><td>${one.url}</td>
        <td>${one.message ?? (one.working === true ? 'works' : one.working === false ? 'does not answer' : '')}</td>
        <td>${one.seeds}</td><td>${one.peers}</td>
        <td>${one.nextAnnounceAt ? span(one.nextAnnounceAt - Date.now() / 1000) : ''}</td></tr>`)}</tbody></table>`;
}

function Options({ t }) {
  const { form, text, limit, tick } = useForm({
    downloadLimit: asLimit(t.downloadLimit),
    uploadLimit: asLimit(t.uploadLimit),
    ratioLimit: t.ratioLimit ?? '',
    seedHours: t.seedTimeLimit == null ? '' : t.seedTimeLimit / 3600,
    category: t.category ?? '',
    labels: t.labels.join(', '),
    sequential: t.sequential,
    superSeeding: t.superSeeding,
    forced: t.forced,
  });
  const save = (event) => {
    event.preventDefault();
    const [downloadLimit, uploadLimit] = [parseBytes(form.downloadLimit), parseBytes(form.uploadLimit)];
    if (downloadLimit === null || uploadLimit === null) return store.notice(limitFault, true);
    const change = {
      downloadLimit,
      uploadLimit,
      category: form.category.trim(),
      labels: labels(form.labels),
      sequential: form.sequential,
      superSeeding: form.superSeeding,
      forced: form.forced,
    };
    if (form.ratioLimit !== '' || t.ratioLimit != null) change.ratioLimit = form.ratioLimit === '' ? unset : Number(form.ratioLimit);
    if (form.seedHours !== '' || t.seedTimeLimit != null) change.seedTimeLimit = form.seedHours === '' ? unset : Math.round(Number(form.seedHours) * 3600);
    store.attempt(() => call('PATCH', torrentPath(t.id), change), 'Saved');
  };
  return html`<form class="options" onSubmit=${save}>
    ${limit('downloadLimit', 'Download limit, a second')}
    ${limit('uploadLimit', 'Upload limit, a second')}
    ${text('ratioLimit', 'Seed until the ratio is', { type: 'number', min: 0, step: 'any', placeholder: 'as in the settings' })}
    ${text('seedHours', 'Seed for, in hours', { type: 'number', min: 0, step: 'any', placeholder: 'as in the settings' })}
    ${text('category', 'Category')}
    ${text('labels', 'Labels, with commas')}
    ${tick('sequential', 'From the beginning on')}
    ${tick('superSeeding', 'Super-seeding')}
    ${tick('forced', 'Does not wait in the queue')}
    <p class="buttons"><button class="main">Save</button></p>
  </form>`;
}

// How the API takes back a limit of one torrent.
const unset = -1;

const names = { overview: 'Overview', files: 'Files', peers: 'Peers', trackers: 'Trackers', options: 'Options' };
const bodies = { overview: Overview, files: Files, peers: Peers, trackers: Trackers, options: Options };

export function Details({ t, tab, onTab, onClose }) {
  const Body = bodies[tab];
  return html`<section class="details" aria-label=${`Details of ${t.name}`} onKeyDown=${(event) => event.key === 'Escape' && !event.target.closest('dialog') && onClose()}>
    <header><h2>${t.name}</h2><button type="button" class="icon" aria-label="Close details" onClick=${onClose}>✕</button></header>
    <${Tabs} id="tab" label="Details" names=${names} shown=${tab} onShow=${onTab}><${Body} key=${t.id} t=${t} /><//>
  </section>`;
}
