// The few names that every part of the page needs from the libraries.
import { h } from '../vendor/preact.mjs';
import htm from '../vendor/htm.mjs';

export { render } from '../vendor/preact.mjs';
export { useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback } from '../vendor/preact-hooks.mjs';
export const html = htm.bind(h);
