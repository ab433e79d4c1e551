// Tabs, and what the chosen one shows. Arrows go from one to the next.
import { html } from './view.js';

// names: titles by key. The ids of its parts begin with id.
export function Tabs({ id, label, names, shown, onShow, className, children }) {
  const keys = Object.keys(names);
  const press = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = keys[(keys.indexOf(shown) + step + keys.length) % keys.length];
    onShow(next);
    document.getElementById(`${id}-${next}`).focus();
  };
  return html`<div role="tablist" aria-label=${label} onKeyDown=${press}>
      ${keys.map((key) => html`<button type="button" role="tab" id=${`${id}-${key}`} aria-selected=${key === shown} aria-controls=${`${id}-body`}
        tabindex=${key === shown ? 0 : -1} onClick=${() => onShow(key)}>${names[key]}</button>`)}
    </div>
    <div id=${`${id}-body`} role="tabpanel" aria-labelledby=${`${id}-${shown}`} class=${`body ${className ?? ''} ${shown}`}>${children}</div>`;
}
