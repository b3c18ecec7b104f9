/** Keys and what they do, as a list, and the switch that turns them off. */

import '../../css/components/keys_menu.css';
import { el } from '../lib/dom.js';
import { icon } from './icon.js';
import { areKeysOn, setKeys } from './keys.js';

/** @typedef {[string, string]} Key a key and what it does; keys that follow each other stand apart by a space */

/** @type {Key[]} */
export const LOG_KEYS = [
  ['/', 'Search'],
  ['n', 'Next match'],
  ['N', 'Previous match'],
  ['f', 'Follow'],
  ['space', 'Pause'],
  ['w', 'Wrap'],
];

/** @param {Key[]} keys */
export function keysList(keys) {
  return el(
    'dl',
    { class: 'keys' },
    ...keys.map(([key, what]) =>
      el(
        'div',
        { class: 'keys__row' },
        el('dt', {}, ...key.split(' ').flatMap((one) => [el('kbd', { text: one }), ' '])),
        el('dd', { text: what }),
      ),
    ),
  );
}

/** @param {string} className */
export function keysSwitch(className) {
  const button = el('button', { class: className, type: 'button' });
  const show = () => {
    button.setAttribute('aria-pressed', String(areKeysOn()));
    button.replaceChildren(icon(areKeysOn() ? 'check' : 'x'), areKeysOn() ? 'Shortcuts are on' : 'Shortcuts are off');
  };
  button.addEventListener('click', () => {
    setKeys(!areKeysOn());
    show();
  });
  show();
  return button;
}
