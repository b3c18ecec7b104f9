/** The dialog that says which keys there are anywhere. */

import { el } from '../lib/dom.js';
import { openDialog } from './dialog.js';
import { LOG_KEYS, keysList, keysSwitch } from './keys_list.js';

/** @type {[string, import('./keys_list.js').Key[]][]} */
const PARTS = [
  [
    'Everywhere',
    [
      ['Ctrl+K', 'Find an app, a page or an action'],
      ['g a', 'Applications'],
      ['g d', 'Dashboard'],
      ['g u', 'Account'],
      ['n', 'New deployment'],
      ['?', 'This list'],
    ],
  ],
  ['In the list of applications', [['/', 'Search']]],
  ['In a log', LOG_KEYS],
];

export function openKeysHelp() {
  openDialog({
    title: 'Keyboard shortcuts',
    body: PARTS.map(([title, keys]) =>
      el('section', { class: 'keys-help' }, el('h3', { class: 'keys-help__title', text: title }), keysList(keys)),
    ),
    actions: [keysSwitch('button')],
  });
}
