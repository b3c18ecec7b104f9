/** A part of a page whose script is fetched when somebody looks at it. */

import { el, fill } from '../lib/dom.js';
import { errorCard } from './error_card.js';

/** @typedef {{ element: HTMLElement, refresh(): Promise<unknown> }} Panel */

export class LazyPanel {
  /** @type {Promise<Panel> | null} */
  #panel = null;

  /** @param {() => Promise<Panel>} load */
  constructor(load) {
    this.load = load;
    this.element = el('div', { 'aria-busy': 'true' }, el('div', { class: 'skeleton skeleton--block' }));
  }

  /** Shows how things are now. */
  async refresh() {
    try {
      const panel = await (this.#panel ??= this.#place());
      await panel.refresh();
    } catch {
      // The server was updated between the page and its script, or went away.
      this.#panel = null;
      const error = { message: 'A part of the page could not be loaded.', hint: 'Load the page again.' };
      fill(this.element, errorCard(error, { retry: () => void this.refresh() }));
    }
  }

  async #place() {
    const panel = await this.load();
    this.element.removeAttribute('aria-busy');
    fill(this.element, panel.element);
    return panel;
  }
}
