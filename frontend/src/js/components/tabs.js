/** Tabs over panels, as screen readers and arrow keys know them. */

import { el, uniqueId } from '../lib/dom.js';
import { icon } from './icon.js';

/**
 * @typedef {{ name: string, label: string, icon?: string, panel: HTMLElement }} Tab
 */

/**
 * @param {{ label: string, tabs: Tab[], selected?: string, onSelect?: (name: string) => void }} what
 * @returns {{ element: HTMLElement, panels: HTMLElement[], select(name: string): void }} `onSelect` hears of choices that
 *   somebody makes, not of `select`.
 */
export function tabBar({ label, tabs, selected = tabs[0].name, onSelect }) {
  const buttons = tabs.map((tab) => {
    const [id, panelId] = [uniqueId('tab'), uniqueId('panel')];
    Object.assign(tab.panel, { id: panelId, role: 'tabpanel' });
    tab.panel.setAttribute('aria-labelledby', id);
    const props = { class: 'tabs__tab', type: 'button', role: 'tab', id, 'aria-controls': panelId };
    return el('button', { ...props, dataset: { name: tab.name } }, tab.icon && icon(tab.icon), tab.label);
  });
  const select = (/** @type {string} */ name) => {
    buttons.forEach((button, index) => {
      const isSelected = tabs[index].name === name;
      button.setAttribute('aria-selected', String(isSelected));
      button.tabIndex = isSelected ? 0 : -1;
      tabs[index].panel.hidden = !isSelected;
    });
  };
  const choose = (/** @type {HTMLButtonElement} */ button) => {
    select(button.dataset.name ?? '');
    onSelect?.(button.dataset.name ?? '');
  };
  const element = el('div', { class: 'tabs', role: 'tablist', 'aria-label': label }, ...buttons);
  for (const button of buttons) button.addEventListener('click', () => choose(button));
  element.addEventListener('keydown', (event) => {
    const next = neighbour(buttons, event.key);
    if (!next) return;
    event.preventDefault();
    choose(next);
    next.focus();
  });
  select(selected);
  return { element, panels: tabs.map(({ panel }) => panel), select };
}

/**
 * @param {HTMLButtonElement[]} buttons
 * @param {string} key
 */
function neighbour(buttons, key) {
  const index = buttons.findIndex((button) => button.tabIndex === 0);
  const count = buttons.length;
  if (key === 'ArrowRight') return buttons[(index + 1) % count];
  if (key === 'ArrowLeft') return buttons[(index - 1 + count) % count];
  if (key === 'Home') return buttons[0];
  if (key === 'End') return buttons[count - 1];
  return null;
}
