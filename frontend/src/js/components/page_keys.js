/** The keys of every page for somebody who is logged in: they lead elsewhere, and open the palette and the list of keys. */

import { el } from '../lib/dom.js';
import { icon } from './icon.js';
import { listenForKeys } from './keys.js';

const PLACES = /** @type {Record<string, string>} */ ({ a: '/applications', d: '/', u: '/account' });
const DEPLOY = '/#deploy';
/** So long after `g` the second key belongs to it. */
const SEQUENCE_MILLISECONDS = 1_500;

/** Listens, and gives the button that opens the palette. */
export function startPageKeys() {
  let began = -Infinity;
  listenForKeys((key, { timeStamp }) => {
    const place = timeStamp - began < SEQUENCE_MILLISECONDS ? PLACES[key] : undefined;
    began = key === 'g' ? timeStamp : -Infinity;
    if (place) location.assign(place);
    else if (key === 'n') location.assign(DEPLOY);
    else if (key === '?') void openKeys();
    else return key === 'g';
    return true;
  });
  document.addEventListener('keydown', (event) => {
    if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    void openPalette();
  });
  return paletteButton();
}

export async function openKeys() {
  (await import('./keys_help.js')).openKeysHelp();
}

export async function openPalette() {
  if (document.querySelector('dialog[open]')) return;
  (await import('./palette.js')).openPalette();
}

function paletteButton() {
  const title = 'Find an app, a page or an action (Ctrl+K)';
  const button = el('button', { class: 'icon-button palette-button', type: 'button', title, 'aria-label': title });
  button.append(icon('search'));
  button.addEventListener('click', () => void openPalette());
  return button;
}
