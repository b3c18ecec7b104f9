/** A button that opens a short list of links and buttons. */

import { el, uniqueId } from '../lib/dom.js';

/** @import { Child } from '../lib/dom.js' */

/**
 * @param {{ label: string, button: Child[], buttonClass?: string, items: Child[], align?: 'start' | 'end' }} what
 * @returns {HTMLElement}
 */
export function menu({ label, button, buttonClass = 'icon-button', items, align = 'end' }) {
  const id = uniqueId('menu');
  const opener = el(
    'button',
    { class: buttonClass, type: 'button', 'aria-label': label, 'aria-expanded': 'false', 'aria-controls': id },
    ...button,
  );
  const list = el('div', { class: 'menu__list', id, hidden: true, dataset: { align } }, ...items);
  const root = el('div', { class: 'menu' }, opener, list);
  attachMenu(root, opener, list);
  return root;
}

/**
 * The same behaviour for a menu that stands in the page already.
 * @param {HTMLElement} root
 * @param {HTMLElement} opener
 * @param {HTMLElement} list
 */
export function attachMenu(root, opener, list) {
  const show = (/** @type {boolean} */ isOpen) => {
    list.hidden = !isOpen;
    opener.setAttribute('aria-expanded', String(isOpen));
  };
  opener.addEventListener('click', () => show(list.hidden === true));
  list.addEventListener('click', (event) => {
    if (event.target instanceof Element && event.target.closest('a, button')) show(false);
  });
  root.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !list.hidden) {
      event.stopPropagation();
      show(false);
      opener.focus();
    } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && !event.defaultPrevented) {
      moveFocus(list, event, show);
    }
  });
  document.addEventListener('pointerdown', (event) => {
    if (!list.hidden && event.target instanceof Node && !root.contains(event.target)) show(false);
  });
  root.addEventListener('focusout', (event) => {
    if (event.relatedTarget instanceof Node && !root.contains(event.relatedTarget)) show(false);
  });
}

/**
 * @param {HTMLElement} list
 * @param {KeyboardEvent} event
 * @param {(isOpen: boolean) => void} show
 */
function moveFocus(list, event, show) {
  const items = /** @type {HTMLElement[]} */ ([...list.querySelectorAll('a, button:not(:disabled), select')]);
  if (!items.length || event.target instanceof HTMLSelectElement) return;
  event.preventDefault();
  show(true);
  const step = event.key === 'ArrowDown' ? 1 : -1;
  const index = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  items[(index + step + items.length) % items.length].focus();
}
