/** Short news at the edge of the screen. Never the only place of an error. */

import { el } from '../lib/dom.js';
import { icon } from './icon.js';

const SECONDS = 6;
const ICONS = { good: 'circle-check', bad: 'circle-alert', neutral: 'info' };

/** @type {HTMLElement | null} */
let shelf = null;

/**
 * Shows text for six seconds; resting on it with the pointer or the focus keeps it.
 * @param {string} text
 * @param {{ tone?: keyof typeof ICONS }} [how]
 */
export function toast(text, { tone = 'neutral' } = {}) {
  shelf ??= document.body.appendChild(el('div', { class: 'toasts', popover: 'manual', role: 'status' }));
  const note = el('div', { class: 'toast', dataset: { tone } }, icon(ICONS[tone]), el('span', { text }));
  const close = el('button', { class: 'icon-button', type: 'button', 'aria-label': 'Dismiss' }, icon('x'));
  note.append(close);
  shelf.append(note);
  // Above an open dialog too.
  shelf.hidePopover?.();
  shelf.showPopover?.();
  const dismiss = () => {
    note.remove();
    if (!shelf?.childElementCount) shelf?.hidePopover?.();
  };
  close.addEventListener('click', dismiss);
  keepWhileUsed(note, dismiss);
}

/**
 * @param {HTMLElement} note
 * @param {() => void} dismiss
 */
function keepWhileUsed(note, dismiss) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const start = () => {
    clearTimeout(timer);
    timer = setTimeout(dismiss, SECONDS * 1000);
  };
  for (const event of ['mouseenter', 'focusin']) note.addEventListener(event, () => clearTimeout(timer));
  for (const event of ['mouseleave', 'focusout']) note.addEventListener(event, start);
  start();
}
