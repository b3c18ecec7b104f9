/** The choice between variables as rows and as text. */

import { el } from '../lib/dom.js';

/**
 * @param {{ label: string, onChoose(isText: boolean): void }} what
 * @returns {{ element: HTMLElement, show(isText: boolean): void }}
 */
export function envModes({ label, onChoose }) {
  const buttons = ['Rows', 'Text'].map((text, index) =>
    el('button', { class: 'modes__mode', type: 'button', text, on: { click: () => onChoose(index === 1) } }),
  );
  const show = (/** @type {boolean} */ isText) =>
    buttons.forEach((button, index) => button.setAttribute('aria-pressed', String(isText === (index === 1))));
  show(false);
  return { element: el('div', { class: 'modes', role: 'group', 'aria-label': label }, ...buttons), show };
}
