/** One stored variable: masked, shown, given another value, or taken away at the next deployment. */

/** @import { StoredVariable } from '../types' */
import { el, fill } from '../lib/dom.js';
import { icon } from './icon.js';

const PENDING = /** @type {Record<string, string>} */ ({
  added: 'Added, not deployed yet',
  changed: 'Changed, not deployed yet',
  removed: 'Goes at the next deployment',
});

/** @typedef {{ set?: string, isRemoved?: boolean }} Edit */

export class StoredRow {
  /** Its value while it is shown. @type {string | null} */
  #shown = null;
  /** Where another value is typed. @type {HTMLTextAreaElement | null} */
  #input = null;
  #isRemoved = false;
  #isAsking = false;

  /**
   * @param {StoredVariable} variable
   * @param {{ reveal(): Promise<string | null>, onChange(): void }} how `reveal` gives the value, null where it could not
   */
  constructor(variable, { reveal, onChange }) {
    this.variable = variable;
    this.reveal = reveal;
    this.onChange = onChange;
    this.element = el('li', { class: 'var', dataset: { name: variable.name } });
    this.#draw();
  }

  /** What the next deployment is to get; null for what it would get anyway. @returns {Edit | null} */
  edit() {
    if (this.#isRemoved) return { isRemoved: true };
    if (!this.#input) return null;
    return this.#input.value === (this.#shown ?? '') ? null : { set: this.#input.value };
  }

  /** Whether somebody looks at it or edits it, so that it must stay as it is. */
  get isTouched() {
    return this.#isAsking || this.#shown !== null || this.#input !== null || this.#isRemoved;
  }

  async #toggle() {
    this.#isAsking = true;
    this.#shown = this.#shown === null ? await this.reveal() : null;
    this.#isAsking = false;
    this.#draw();
    this.#focus('button');
  }

  #write() {
    this.#input = el('textarea', {
      class: 'input input--mono var__input',
      rows: '1',
      spellcheck: 'false',
      autocomplete: 'off',
      autocapitalize: 'off',
      placeholder: 'The new value',
      'aria-label': `New value of ${this.variable.name}`,
    });
    this.#input.value = this.#shown ?? '';
    this.#input.addEventListener('input', () => {
      this.#tell();
      this.onChange();
    });
    this.#changed('textarea');
  }

  #remove() {
    this.#isRemoved = true;
    this.#changed('button');
  }

  #undo() {
    this.#isRemoved = false;
    this.#input = null;
    this.#changed('button');
  }

  /** @param {string} focused */
  #changed(focused) {
    this.#draw();
    this.onChange();
    this.#focus(focused);
  }

  /** @param {string} selector */
  #focus(selector) {
    /** @type {HTMLElement | null} */ (this.element.querySelector(selector))?.focus();
  }

  #buttons() {
    const isGone = this.variable.pending === 'removed';
    if (this.#isRemoved || this.#input) return [this.#button('undo-2', 'Leave as it was:', () => this.#undo())];
    if (isGone) return [this.#button('undo-2', 'Give a value again to', () => this.#write())];
    const isMasked = this.#shown === null;
    return [
      this.#button(isMasked ? 'eye' : 'eye-off', isMasked ? 'Show the value of' : 'Hide the value of', () =>
        this.#toggle(),
      ),
      this.#button('pencil', 'Change', () => this.#write()),
      this.#button('trash-2', 'Remove', () => this.#remove()),
    ];
  }

  /**
   * @param {string} image
   * @param {string} deed
   * @param {() => void} onClick
   */
  #button(image, deed, onClick) {
    const label = `${deed} ${this.variable.name}`;
    return el(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': label, title: label, on: { click: onClick } },
      icon(image),
    );
  }

  #note() {
    if (this.#isRemoved) return 'To be removed';
    if (this.#input) return this.edit() ? 'To be changed' : 'Type the new value';
    return PENDING[this.variable.pending ?? ''] ?? '';
  }

  #draw() {
    this.element.dataset.state = this.#isRemoved ? 'removed' : (this.variable.pending ?? '');
    fill(
      this.element,
      el('code', { class: 'var__name', text: this.variable.name }),
      this.#input ?? this.#value(),
      el('span', { class: 'var__deeds' }, ...this.#buttons()),
      el('p', { class: 'var__note' }),
    );
    this.#tell();
  }

  #tell() {
    const place = /** @type {HTMLElement} */ (this.element.querySelector('.var__note'));
    place.textContent = this.#note();
    place.hidden = !place.textContent;
  }

  #value() {
    if (this.variable.value === null) return el('span', { class: 'var__value muted', text: '–' });
    if (this.#shown !== null) return el('code', { class: 'var__value', text: this.#shown || '(empty)' });
    return el(
      'span',
      { class: 'var__value muted' },
      el('span', { 'aria-hidden': 'true', text: '••••••••' }),
      el('span', { class: 'visually-hidden', text: 'masked' }),
    );
  }
}
