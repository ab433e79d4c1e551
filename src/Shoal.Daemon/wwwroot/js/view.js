// The few names that every part of the page needs from the libraries.
import { h } from '../vendor/preact.mjs';
import htm from '../vendor/htm.mjs';

export { render } from '../vendor/preact.mjs';
export { useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback } from '../vendor/preact-hooks.mjs';
export const html = htm.bind(h);

// Canvases know no variables: what a colour of the style sheet is now.
const probe = document.createElement('i');
export function color(name) {
  document.documentElement.append(probe);
  probe.style.color = `var(${name})`;
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

export const remembered = (key, fallback) => localStorage.getItem(`shoal.${key}`) ?? fallback;
export const remember = (key, value) => localStorage.setItem(`shoal.${key}`, value);

// system, light or dark: of this browser.
export const theme = () => remembered('theme', 'system');
export function setTheme(name) {
  remember('theme', name);
  document.documentElement.dataset.theme = name;
  document.dispatchEvent(new Event('shoal-theme'));
}
