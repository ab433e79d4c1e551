// Lists of what can be changed and removed: a name, what is to be known of it, and buttons.
import { html } from './view.js';
import { ConfirmDialog } from './dialogs.js';

// items: missing while they are not known, because of the fault or not yet; each { key, title, facts, fault, buttons: [[name, what it
// does]] }. Facts that are empty are left out.
export function Things({ label, items, fault: why, empty }) {
  if (!items) return why && html`<p class="trouble" role="alert">${why}</p>`;
  if (items.length === 0) return html`<p class="hint">${empty}</p>`;
  return html`<ul class="things" aria-label=${label}>
    ${items.map(({ key, title, facts = [], fault, buttons = [] }) => html`<li key=${key}>
      <div><strong>${title}</strong>
        <p class="hint">${facts.filter(Boolean).join(' · ')}</p>
        ${fault && html`<p class="trouble">${fault}</p>`}</div>
      <span class="buttons">${buttons.map(([name, onClick]) => html`<button type="button" aria-label=${`${name} ${title}`} onClick=${onClick}>${name}</button>`)}</span>
    </li>`)}
  </ul>`;
}

// A button that asks first. open shows a dialog over what is there; remove returns a promise.
export const removing = (open, title, what, remove, action = 'Remove') => [
  action,
  () => open((close) => html`<${ConfirmDialog} title=${title} what=${what} action=${action} onYes=${remove} onClose=${close} />`),
];
