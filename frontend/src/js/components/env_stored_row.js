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
  /** The value comes from somewhere else than this row's own input, and may be empty. */
  #isSet = false;

  /**
   * @param {StoredVariable} variable
   * @param {{ ask(): Promise<string | null>, onChange(): void }} how `ask` gives the value, null where it could not
   */
  constructor(variable, { ask, onChange }) {
    this.variable = variable;
    this.ask = ask;
    this.onChange = onChange;
    this.element = el('li', { class: 'var', dataset: { name: variable.name } });
    this.#draw();
  }

  /** What the next deployment is to get; null for what it would get anyway. @returns {Edit | null} */
  edit() {
    if (this.#isRemoved) return { isRemoved: true };
    if (!this.#input) return null;
    const isSame = this.#input.value === (this.#isSet ? this.#shown : (this.#shown ?? ''));
    return isSame ? null : { set: this.#input.value };
  }

  /** Its value as far as it is known: what is typed, or what is shown; null while it is masked. */
  get known() {
    return this.#input && this.edit() ? this.#input.value : this.#shown;
  }

  /** Its stored value while it is shown; null while it is masked. */
  get shown() {
    return this.#shown;
  }

  /** Whether the next deployment goes without it. */
  get isLeftOut() {
    return this.#isRemoved || (this.variable.pending === 'removed' && !this.edit());
  }

  /** Takes over what was done to it elsewhere. @param {Edit | null} edit */
  setEdit(edit) {
    const isRemoved = Boolean(edit?.isRemoved) && this.variable.pending !== 'removed';
    const { set } = edit ?? {};
    if (isRemoved === this.#isRemoved && set === this.edit()?.set) return;
    this.#isRemoved = isRemoved;
    this.#input = null;
    this.#isSet = set !== undefined;
    if (set !== undefined) this.#makeInput(set);
    this.#draw();
  }

  /** Shows its value, or masks it again. @param {boolean} isShown */
  async reveal(isShown) {
    if (isShown === (this.#shown !== null) || this.variable.value === null) return;
    this.#isAsking = true;
    const value = isShown ? await this.ask() : null;
    this.#isAsking = false;
    if (!isShown || value !== null) this.#shown = value;
    this.#draw();
  }

  /** Whether somebody looks at it or edits it, so that it must stay as it is. */
  get isTouched() {
    return this.#isAsking || this.#shown !== null || this.#input !== null || this.#isRemoved;
  }

  async #toggle() {
    await this.reveal(this.#shown === null);
    this.#focus('button');
  }

  #write() {
    this.#isSet = false;
    this.#makeInput(this.#shown ?? '');
    this.#changed('textarea');
  }

  /** @param {string} text */
  #makeInput(text) {
    this.#input = el('textarea', {
      class: 'input input--mono var__input',
      rows: '1',
      spellcheck: 'false',
      autocomplete: 'off',
      autocapitalize: 'off',
      placeholder: 'The new value',
      'aria-label': `New value of ${this.variable.name}`,
    });
    this.#input.value = text;
    this.#input.addEventListener('input', () => {
      this.#tell();
      this.onChange();
    });
  }

  #remove() {
    this.#isRemoved = true;
    this.#changed('button');
  }

  #undo() {
    this.#isRemoved = this.#isSet = false;
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
