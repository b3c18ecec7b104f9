/** The menu of deeds of one app; what cannot be done now is there, disabled, with its reason. */

/** @import { Deployment } from '../types' */
/** @import { DeedName } from './app_deeds.js' */
import { el, hook } from '../lib/dom.js';
import { DEEDS, obstacle, offered } from './app_deeds.js';
import { icon } from './icon.js';
import { menu } from './menu.js';

/**
 * @param {{ label: string, leaveOut?: DeedName[], onDeed(deed: DeedName): void }} what
 * @returns {{ element: HTMLElement, show(app: Deployment): void }}
 */
export function deedMenu({ label, leaveOut = [], onDeed }) {
  const buttons = new Map(
    DEEDS.map(({ name, word, icon: image, isDangerous }) => [
      name,
      el(
        'button',
        {
          class: `menu__item${isDangerous ? ' menu__item--danger' : ''}`,
          type: 'button',
          dataset: { deed: name },
          on: { click: () => onDeed(name) },
        },
        icon(image),
        word,
      ),
    ]),
  );
  const mark = el('span', { class: 'menu__items', dataset: { hook: 'deeds' } });
  const element = menu({ label, button: [icon('ellipsis')], items: [mark] });
  const list = /** @type {HTMLElement} */ (hook('deeds', element));
  let names = '';
  return {
    element,
    show(app) {
      const shown = offered(app)
        .map(({ name }) => name)
        .filter((name) => !leaveOut.includes(name));
      if (names !== shown.join()) {
        names = shown.join();
        list.replaceChildren(...shown.map((name) => /** @type {HTMLElement} */ (buttons.get(name))));
      }
      for (const [name, button] of buttons) {
        const reason = obstacle(app, name);
        button.disabled = reason !== '';
        button.title = reason;
      }
    },
  };
}
