// Publications for invited people that the daemon is a member of.
import { html, useState } from './view.js';
import { call } from './api.js';
import { bytes, date, many } from './format.js';
import { base64, useForm } from './forms.js';
import { store } from './store.js';
import { Dialog } from './dialogs.js';
import { usePolled } from './polled.js';
import { Receipts } from './receipts.js';
import { Things } from './things.js';

const states = { active: 'member', locked: 'locked: its key lies under a passphrase', ended: 'ended', expired: 'expired: join again', unusable: 'cannot be used' };
// Between questions that the daemon has to ask the hub, in milliseconds.
const hubPatience = 30000;
const pathOf = (membership, rest = '') => `/memberships/${encodeURIComponent(membership.publication)}${rest}`;
// Their ids are long; the beginning tells them apart.
const nameOf = (membership) => `${membership.hub || 'Publication'} (${membership.publication.slice(0, 8)})`;

export function Memberships({ open, onAdded }) {
  const [list, again, fault] = usePolled('/memberships');
  const item = (membership) => ({
    key: membership.publication,
    title: nameOf(membership),
    facts: [
      states[membership.state],
      membership.role !== 'member' && membership.role,
      membership.member && `as ${membership.member}`,
      membership.certificateUntil && `until ${date(membership.certificateUntil)}`,
      many(membership.torrents, 'torrent'),
    ],
    fault: membership.problem,
    buttons: [
      membership.state === 'locked' && ['Unlock', () => open((close) => html`<${UnlockDialog} membership=${membership} onClose=${close} onDone=${again} />`)],
      membership.state === 'active' && ['Catalogue', () => open((close) => html`<${CatalogueDialog} membership=${membership} onAdded=${onAdded} onClose=${close} />`)],
      membership.state === 'active' && ['Receipts', () => open((close) => html`<${Receipts} membership=${membership} name=${nameOf(membership)} path=${pathOf(membership)} every=${hubPatience} onClose=${close} />`)],
      ['Leave', () => open((close) => html`<${LeaveDialog} membership=${membership} onClose=${close} onDone=${again} />`)],
    ].filter(Boolean),
  });
  return html`<div class="tools"><button type="button" class="main" onClick=${() => open((close) => html`<${JoinDialog} onClose=${close} onDone=${again} />`)}>Accept an invitation</button></div>
    <${Things} label="Memberships" items=${list?.memberships.map(item)} fault=${fault} empty="The daemon is a member of no publication." />`;
}

// By a link, or by a file that needs no hub.
function JoinDialog({ onClose, onDone }) {
  const { form, text } = useForm({ invitation: '', passphrase: '' });
  const [file, setFile] = useState(null);
  const [busy, setBusy] = useState(false);
  const join = async () =>
    file
      ? call('POST', '/memberships/file', { file: await base64(file), passphrase: form.passphrase.trim() })
      : call('POST', '/memberships', { invitation: form.invitation.trim() });
  const submit = async () => {
    setBusy(true);
    const joined = await store.attempt(join, 'Joined');
    setBusy(false);
    if (!joined) return;
    onDone();
    onClose();
  };
  return html`<${Dialog} title="Accept an invitation" action="Join" busy=${busy} onClose=${onClose} onSubmit=${submit}>
    ${text('invitation', 'Link of the invitation', { required: !file, autofocus: true, autocomplete: 'off' })}
    <p class="hint">It serves once, and says who may come in: show it to nobody.</p>
    <label>Or the file of an invitation, for where the hub is not reached
      <input name="file" type="file" onChange=${(event) => setFile(event.target.files[0] ?? null)} /></label>
    ${file && text('passphrase', 'Passphrase of the file', { type: 'password', required: true, autocomplete: 'off' })}
  <//>`;
}

function LeaveDialog({ membership, onClose, onDone }) {
  const { form, tick } = useForm({ withPublished: false, onlyHere: false });
  const submit = async () => {
    const left = await store.attempt(() => call('DELETE', pathOf(membership, `?withPublished=${form.withPublished}&onlyHere=${form.onlyHere}`)));
    if (!left) return;
    onDone();
    onClose();
    store.notice(left.problem ?? 'Left: the hub tells all members', Boolean(left.problem));
  };
  return html`<${Dialog} title="Leave publication" action="Leave" danger onClose=${onClose} onSubmit=${submit}>
    <p>The hub ends the membership, its key is deleted, and its torrents stop; what was fetched stays. Only another invitation leads back.</p>
    ${membership.role && membership.role !== 'member' && tick('withPublished', 'Take what I have published out of the catalogue')}
    ${tick('onlyHere', 'Forget on this machine only, and do not tell the hub')}
  <//>`;
}

function UnlockDialog({ membership, onClose, onDone }) {
  const { form, text } = useForm({ passphrase: '' });
  const submit = async () => {
    if (!(await store.attempt(() => call('POST', pathOf(membership, '/unlock'), { passphrase: form.passphrase }), 'Unlocked'))) return;
    onDone();
    onClose();
  };
  return html`<${Dialog} title=${`Unlock ${nameOf(membership)}`} action="Unlock" onClose=${onClose} onSubmit=${submit}>
    ${text('passphrase', 'Passphrase of its key; it is forgotten when the daemon ends', { type: 'password', required: true, autofocus: true, autocomplete: 'off' })}
  <//>`;
}

function CatalogueDialog({ membership, onAdded, onClose }) {
  const [list, again, fault] = usePolled(pathOf(membership, '/catalogue'), hubPatience);
  const add = async (entry) => {
    const added = await store.attempt(() => call('POST', '/torrents', { publication: membership.publication, entry: entry.id }));
    if (!added) return;
    onAdded([added]);
    again();
  };
  const item = (entry) => ({
    key: `${entry.id} ${entry.version}`,
    title: entry.title,
    facts: [
      entry.versionName || `version ${entry.version}`,
      bytes(entry.size),
      `published ${date(entry.publishedAt)}`,
      entry.licence,
      entry.citation,
      `${many(entry.complete, 'member has', 'members have')} it, ${entry.incomplete} at it`,
      entry.torrent && 'in the list of torrents',
    ],
    buttons: entry.torrent ? [] : [['Add', () => add(entry)]],
  });
  return html`<${Dialog} title=${`Catalogue of ${nameOf(membership)}`} onClose=${onClose} wide>
    ${list?.hubProblem && html`<p class="trouble">${list.hubProblem}</p>`}
    <div class="page" tabindex="0" role="group" aria-label="Catalogue"><${Things} label="Catalogue" items=${list?.entries.map(item)} fault=${fault} empty="Nothing is published yet." /></div>
  <//>`;
}
