/** Which single keys there are in one place, and the switch that turns them off, as a menu. */

/** @import { Key } from './keys_list.js' */
import { icon } from './icon.js';
import { keysList, keysSwitch } from './keys_list.js';
import { menu } from './menu.js';

/** @param {Key[]} keys */
export function keysMenu(keys) {
  return menu({
    label: 'Keyboard shortcuts',
    button: [icon('keyboard')],
    items: [keysList(keys), keysSwitch('menu__item')],
  });
}
