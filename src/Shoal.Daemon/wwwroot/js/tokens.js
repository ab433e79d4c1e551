// Who may call the daemon: tokens of programs, and browsers that are logged in.
import { html, useRef } from './view.js';
import { call } from './api.js';
import { date } from './format.js';
import { useForm } from './forms.js';
import { store } from './store.js';
import { Dialog } from './dialogs.js';
import { usePolled } from './polled.js';
import { removing, Things } from './things.js';

const scopes = [
  ['read', 'read: to look'],
  ['control', 'control: besides to add, change and remove torrents'],
  ['admin', 'admin: besides settings, tokens, and to stop the daemon'],
];

export function Tokens({ open }) {
  const [list, again, fault] = usePolled('/tokens');
  const show = (title, hint, secret) => open((close) => html`<${SecretDialog} title=${title} hint=${hint} secret=${secret} onClose=${close} />`);
  const link = async () => {
    const made = await store.attempt(() => call('POST', '/login-links'));
    if (made) show('Log in another browser', 'It logs one browser in, once, within a day. It is not shown again.', made.url ?? made.code);
  };
  const item = (token) => ({
    key: token.id,
    title: token.name,
    facts: [token.session ? 'a browser' : 'a token', `may ${token.scope}`, `since ${date(token.createdAt)}`, token.expiresAt && `until ${date(token.expiresAt)}`],
    buttons: [
      removing(open, 'Revoke', `${token.name} may do nothing any more, from now on${token.session ? '' : ', nor may browsers that logged in with it'}.`, async () => {
        await call('DELETE', `/tokens/${encodeURIComponent(token.id)}`);
        again();
      }, 'Revoke'),
    ],
  });
  return html`<div class="tools">
      <button type="button" class="main" onClick=${() => open((close) => html`<${TokenDialog} show=${show} onClose=${close} onDone=${again} />`)}>Make token</button>
      <button type="button" onClick=${link}>Log in another browser</button></div>
    <${Things} label="Tokens and browsers" items=${list?.tokens.map(item)} fault=${fault} empty="Nobody: the daemon is reached by its socket only." />`;
}

function TokenDialog({ show, onClose, onDone }) {
  const { form, text, choice } = useForm({ name: '', scope: 'control' });
  const submit = async () => {
    const made = await store.attempt(() => call('POST', '/tokens', { name: form.name.trim(), scope: form.scope }));
    if (!made) return;
    onDone();
    show(`Token ${made.token.name}`, 'It is shown this once: the daemon keeps nothing that it could be had from.', made.secret);
  };
  return html`<${Dialog} title="Make token" action="Make" onClose=${onClose} onSubmit=${submit}>
    ${text('name', 'Name, such as that of the program', { required: true, autofocus: true })}
    ${choice('scope', 'It may', scopes)}
  <//>`;
}

function SecretDialog({ title, hint, secret, onClose }) {
  const field = useRef(null);
  const copy = async () => {
    field.current.select();
    try {
      await navigator.clipboard.writeText(secret);
    } catch {
      // Only pages that came safely may use the clipboard by themselves.
      document.execCommand('copy');
    }
    store.notice('Copied');
  };
  return html`<${Dialog} title=${title} action="Copy" cancel="Close" onClose=${onClose} onSubmit=${copy}>
    <label>${hint} <input name="secret" readonly ref=${field} value=${secret} autofocus onFocus=${(event) => event.target.select()} /></label>
  <//>`;
}
