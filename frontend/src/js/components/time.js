/** A time that says how long ago it was, and exactly when on hover; one timer keeps all of them true. */

import { el } from '../lib/dom.js';
import { exactTime, relativeTime } from '../lib/format.js';

const REFRESH_MILLISECONDS = 15_000;
let isTicking = false;

/**
 * @param {string | null | undefined} when
 * @returns {HTMLElement}
 */
export function ago(when) {
  if (!isTicking) {
    isTicking = true;
    setInterval(refresh, REFRESH_MILLISECONDS);
  }
  if (!when) return el('span');
  return el('time', { class: 'ago', datetime: when, title: exactTime(when), text: relativeTime(when) });
}

function refresh() {
  for (const element of document.querySelectorAll('time.ago')) {
    const text = relativeTime(element.getAttribute('datetime') ?? '');
    if (element.textContent !== text) element.textContent = text;
  }
}
