/** One polite live region: what changes is said once to a screen reader, however many places show it. */

import { el } from '../lib/dom.js';

/** @type {HTMLElement | null} */
let region = null;

/** @param {string} text */
export function announce(text) {
  region ??= document.body.appendChild(el('div', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' }));
  const place = region;
  place.textContent = '';
  setTimeout(() => (place.textContent = text), 50);
}
