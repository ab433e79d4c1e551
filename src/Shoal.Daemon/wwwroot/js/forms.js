// Forms: their values are one object, and what people write in fields becomes what the daemon takes.
import { html, useState } from './view.js';
import { exactBytes, parseBytes } from './format.js';

const split = (mark) => (text) => text.split(mark).map((part) => part.trim()).filter(Boolean);
export const lines = split('\n');
export const labels = split(',');

// Limits, as bytes a second with a unit; empty is none.
export const asLimit = (value) => (value > 0 ? exactBytes(value) : '');
export const limitFault = 'A limit is a number with a unit, such as 500 kB or 5 Mbit.';

// What is in a file, as calls carry it.
export async function base64(file) {
  const view = new Uint8Array(await file.arrayBuffer());
  let text = '';
  for (let i = 0; i < view.length; i += 32768) text += String.fromCharCode(...view.subarray(i, i + 32768));
  return btoa(text);
}

export function useForm(first) {
  const [form, setForm] = useState(first);
  const set = (key) => (event) => {
    const { type, checked, value } = event.target;
    setForm((now) => ({ ...now, [key]: type === 'checkbox' ? checked : value }));
  };
  const text = (key, label, more) => html`<label>${label} <input name=${key} spellcheck="false" value=${form[key]} onInput=${set(key)} ...${more} /></label>`;
  return {
    form,
    setForm,
    text,
    limit: (key, label) => text(key, label, { placeholder: 'no limit', 'aria-invalid': parseBytes(form[key]) === null }),
    area: (key, label, more) => html`<label>${label} <textarea name=${key} rows="2" spellcheck="false" value=${form[key]} onInput=${set(key)} ...${more}></textarea></label>`,
    tick: (key, label) => html`<label class="tick"><input name=${key} type="checkbox" checked=${form[key]} onChange=${set(key)} /> ${label}</label>`,
    // Of values with their names.
    choice: (key, label, names) => html`<label>${label} <select name=${key} value=${form[key]} onChange=${set(key)}>
      ${names.map(([value, name]) => html`<option value=${value}>${name}</option>`)}</select></label>`,
  };
}
