// Feeds that the daemon reads, and what is in them.
import { html, useState } from './view.js';
import { call } from './api.js';
import { date, many, span } from './format.js';
import { useForm } from './forms.js';
import { store } from './store.js';
import { Dialog } from './dialogs.js';
import { usePolled } from './polled.js';
import { removing, Things } from './things.js';

const most = 200;

export function Feeds({ open }) {
  const [list, again, fault] = usePolled('/feeds');
  const edit = (feed) => open((close) => html`<${FeedDialog} feed=${feed} onClose=${close} onDone=${again} />`);
  const item = (feed) => ({
    key: feed.url,
    title: feed.title ?? feed.url,
    facts: [
      feed.title && feed.url,
      feed.interval && `every ${span(feed.interval)}`,
      feed.checkedAt ? `read ${date(feed.checkedAt)}` : 'not read yet',
      many(feed.entries, 'entry', 'entries'),
    ],
    fault: feed.error,
    buttons: [
      ['Entries', () => open((close) => html`<${EntriesDialog} feed=${feed} onClose=${close} />`)],
      ['Edit', () => edit(feed)],
      removing(open, 'Remove feed', `${feed.url} is not read any more; torrents that came of it stay.`, async () => {
        await call('DELETE', `/feeds?url=${encodeURIComponent(feed.url)}`);
        again();
      }),
    ],
  });
  return html`<div class="tools">
      <button type="button" class="main" onClick=${() => edit(null)}>Add feed</button>
      <button type="button" disabled=${!list?.feeds.length} onClick=${() => store.attempt(() => call('POST', '/feeds/check'), 'The feeds are being read')}>Read all now</button>
    </div>
    <${Things} label="Feeds" items=${list?.feeds.map(item)} fault=${fault} empty="No feeds yet. Of those that are here nothing is added until a rule takes it." />`;
}

function FeedDialog({ feed, onClose, onDone }) {
  const { form, text } = useForm({ url: feed?.url ?? '', title: feed?.title ?? '', minutes: feed?.interval ? feed.interval / 60 : '' });
  const submit = async () => {
    const change = { url: form.url.trim(), title: form.title.trim() || null, interval: form.minutes === '' ? null : Math.round(form.minutes * 60) };
    if (!(await store.attempt(() => call('PUT', '/feeds', change)))) return;
    onDone();
    onClose();
  };
  return html`<${Dialog} title=${feed ? 'Edit feed' : 'Add feed'} action="Save" onClose=${onClose} onSubmit=${submit}>
    ${text('url', 'URL of an RSS or Atom feed', { type: 'url', required: true, readonly: !!feed, autofocus: !feed })}
    ${text('title', 'Name', { autofocus: !!feed })}
    ${text('minutes', 'Read every so many minutes', { type: 'number', min: 1, step: 'any', placeholder: 'as in the settings' })}
  <//>`;
}

function EntriesDialog({ feed, onClose }) {
  const [list] = usePolled(`/feeds/entries?url=${encodeURIComponent(feed.url)}`);
  const [search, setSearch] = useState('');
  const words = search.toLowerCase();
  const shown = (list?.entries ?? []).filter((entry) => entry.title.toLowerCase().includes(words));
  const item = (entry, i) => ({
    key: i,
    title: entry.title,
    facts: [entry.seen ? 'taken by a rule' : entry.source ? 'not taken' : 'leads to no torrent'],
    buttons: entry.source ? [['Add', () => store.attempt(() => call('POST', '/torrents', { source: entry.source }), `Added: ${entry.title}`)]] : [],
  });
  return html`<${Dialog} title=${`Entries of ${feed.title ?? feed.url}`} onClose=${onClose} wide>
    <div class="tools"><label>Search <input type="search" autofocus value=${search} onInput=${(event) => setSearch(event.target.value)} /></label></div>
    <div class="page" tabindex="0" role="group" aria-label="Entries">
      <${Things} label="Entries" items=${list && shown.slice(0, most).map(item)} empty=${words ? 'Nothing has these words.' : 'It was not read yet, or there is nothing in it.'} />
      ${shown.length > most && html`<p class="hint">and ${shown.length - most} more: search for what you mean.</p>`}
    </div>
  <//>`;
}
