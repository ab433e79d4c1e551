// What is said for some seconds. Each dialog has them too: what lies below a dialog is seen by nobody, nor read out.
import { html } from './view.js';
import { store, useStore } from './store.js';

export function Notices() {
  useStore('notices');
  return html`<div class="notices" role="status">${store.notices.map((notice) => html`<p key=${notice.id} class=${notice.isProblem ? 'problem' : ''}>
    ${notice.text} <button type="button" class="icon" aria-label="Dismiss" onClick=${() => store.dismiss(notice.id)}>✕</button></p>`)}</div>`;
}
