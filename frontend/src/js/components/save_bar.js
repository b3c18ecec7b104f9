/** The bar that stays in sight while changes are not saved, or are saved and wait for the next deployment. */

import '../../css/parts/forms.css';
import { el, fill } from '../lib/dom.js';
import { plural } from '../lib/format.js';
import { busyWhile } from './dialog.js';
import { icon } from './icon.js';

export class SaveBar {
  #drawn = '';
  /** @type {HTMLElement | null} */
  button = null;

  /**
   * @param {{
   *   label: string, onSave(): Promise<boolean>, onReset(): void, onDeploy(): Promise<unknown>,
   * }} what `onSave` gives whether it is saved
   */
  constructor({ label, onSave, onReset, onDeploy }) {
    this.onSave = onSave;
    this.onReset = onReset;
    this.onDeploy = onDeploy;
    this.element = el('section', { class: 'savebar', hidden: true, 'aria-label': label });
  }

  /**
   * @param {number} count of changes that are not saved
   * @param {boolean} isPending whether saved ones wait
   */
  show(count, isPending) {
    const key = `${count} ${isPending}`;
    this.element.hidden = count === 0 && !isPending;
    if (key === this.#drawn) return;
    this.#drawn = key;
    const isFocused = this.element.contains(document.activeElement);
    fill(this.element, ...(count ? this.#unsaved(count) : this.#waiting()));
    if (isFocused) /** @type {HTMLElement | null} */ (this.element.querySelector('button'))?.focus();
  }

  /** Saves, as its button does. */
  async save() {
    if (this.button?.isConnected) await busyWhile(this.button, this.onSave);
  }

  /** @param {number} count */
  #unsaved(count) {
    const save = el('button', { class: 'button button--primary', type: 'button' }, 'Save');
    const both = el('button', { class: 'button', type: 'button' }, icon('rocket'), 'Save and deploy');
    const reset = el('button', { class: 'button button--quiet', type: 'button' }, 'Reset');
    this.button = save;
    save.addEventListener('click', () => this.save());
    both.addEventListener('click', () => busyWhile(both, async () => (await this.onSave()) && this.onDeploy()));
    reset.addEventListener('click', () => this.onReset());
    const text = `${plural(count, 'unsaved change')}. Applies at the next deployment.`;
    return [el('p', { class: 'savebar__text' }, icon('pencil'), text), reset, both, save];
  }

  #waiting() {
    const deploy = el('button', { class: 'button button--primary', type: 'button' }, icon('rocket'), 'Deploy now');
    deploy.addEventListener('click', () => busyWhile(deploy, this.onDeploy));
    return [el('p', { class: 'savebar__text' }, icon('clock'), 'Saved changes wait for the next deployment.'), deploy];
  }
}
