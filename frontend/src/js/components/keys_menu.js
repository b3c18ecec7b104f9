/** Which single keys there are, and the switch that turns them off. */

import { el } from '../lib/dom.js';
import { icon } from './icon.js';
import { areKeysOn, setKeys } from './keys.js';
import { menu } from './menu.js';

/** @param {[string, string][]} keys a key and what it does */
export function keysMenu(keys) {
  const toggle = el('button', { class: 'menu__item', type: 'button' });
  const show = () => {
    toggle.setAttribute('aria-pressed', String(areKeysOn()));
    toggle.replaceChildren(icon(areKeysOn() ? 'check' : 'x'), areKeysOn() ? 'Shortcuts are on' : 'Shortcuts are off');
  };
  toggle.addEventListener('click', () => {
    setKeys(!areKeysOn());
    show();
  });
  show();
  const list = el(
    'dl',
    { class: 'keys' },
    ...keys.map(([key, what]) =>
      el('div', { class: 'keys__row' }, el('dt', {}, el('kbd', { text: key })), el('dd', { text: what })),
    ),
  );
  return menu({ label: 'Keyboard shortcuts', button: [icon('keyboard')], items: [list, toggle] });
}
