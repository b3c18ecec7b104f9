/** Steps between the pages of a long list. */

import { el } from '../lib/dom.js';
import { icon } from './icon.js';

/**
 * @param {{ label: string, onPage(page: number): void }} what
 * @returns {{ element: HTMLElement, show(page: number, last: number): void }}
 */
export function pager({ label, onPage }) {
  let shown = 1;
  const words = el('span', { class: 'pager__words numbers' });
  const previous = el('button', { class: 'button', type: 'button' }, icon('chevron-left'), 'Previous');
  const next = el('button', { class: 'button', type: 'button' }, 'Next', icon('chevron-right'));
  previous.addEventListener('click', () => onPage(shown - 1));
  next.addEventListener('click', () => onPage(shown + 1));
  const element = el('nav', { class: 'pager', 'aria-label': label, hidden: true }, previous, words, next);
  return {
    element,
    show(page, last) {
      shown = page;
      element.hidden = last <= 1;
      words.textContent = `Page ${page} of ${last}`;
      previous.disabled = page <= 1;
      next.disabled = page >= last;
    },
  };
}
