/** A button that copies a value. */

import { el } from '../lib/dom.js';
import { icon, setIcon } from './icon.js';
import { announce } from './announce.js';
import { toast } from './toast.js';

/**
 * @param {string | (() => string)} value
 * @param {string} label such as "Copy the address"
 */
export function copyButton(value, label) {
  const image = icon('copy');
  const button = el('button', { class: 'icon-button', type: 'button', 'aria-label': label, title: label }, image);
  button.addEventListener('click', async () => {
    const text = typeof value === 'function' ? value() : value;
    if (!(await copyText(text)))
      return toast('The browser did not allow copying. Select the text and copy it.', { tone: 'bad' });
    setIcon(image, 'check');
    announce('Copied.');
    setTimeout(() => setIcon(image, 'copy'), 2000);
  });
  return button;
}

/**
 * Whether the text is in the clipboard now. Browsers offer the clipboard on https and localhost only.
 * @param {string} text
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** @param {string} text */
function copyBySelection(text) {
  const area = el('textarea', { class: 'visually-hidden', readonly: true });
  area.value = text;
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  focused?.focus();
  return isCopied;
}
