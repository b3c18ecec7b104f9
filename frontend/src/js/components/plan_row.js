/** One value of a plan: where it was found, and an input in its place for whoever wants another. */

import { el, fill, uniqueId } from '../lib/dom.js';
import { icon } from './icon.js';

/**
 * @typedef {{ label: string, key?: string, isCode?: boolean, isNumber?: boolean, choices?: readonly string[] }} Field
 *   `key` is the dotted key of butler.yml; without one, the value is only shown.
 * @typedef {{
 *   value: string, shown: string, note: string, isYours: boolean, isEditable: boolean, isPending?: boolean,
 *   choices?: readonly string[],
 * }} Standing `value` is what is edited and `shown` how it reads; `isYours` where somebody gave it.
 */

export class PlanRow {
  /** @type {Standing} */
  #standing = { value: '', shown: '', note: '', isYours: false, isEditable: false };
  /** Where the value is typed while it is. @type {HTMLInputElement | null} */
  #input = null;
  /** What was typed and is being asked about, or was refused. @type {string | null} */
  #typed = null;
  #problem = '';
  /** What stood in the input when it was opened. */
  #before = '';
  #isDrawing = false;

  /**
   * @param {Field} field
   * @param {{ onChange(text: string): void }} events `onChange` hears of a value, and of an empty text where it is taken back
   */
  constructor(field, { onChange }) {
    this.field = field;
    this.onChange = onChange;
    this.place = el('dd', { class: 'plan__what' });
    this.element = el('div', { class: 'plan__row', dataset: { key: field.key } });
    this.element.append(el('dt', { text: field.label }), this.place);
    this.place.addEventListener('focusout', (event) => this.#left(event));
  }

  /** How it stands now; what is being typed stays. @param {Standing} standing */
  show(standing) {
    this.#standing = standing;
    this.element.hidden = !(standing.shown || standing.isEditable || standing.isYours);
    if (this.#input && document.activeElement === this.#input) return;
    this.#typed = null;
    this.#problem = '';
    this.#read();
  }

  /**
   * The value was refused: what was typed stands there again, with the reason.
   * @param {string} problem
   * @returns {boolean} whether the focus is in it now, so that a screen reader hears the reason
   */
  refuse(problem) {
    const isHere = this.place.contains(document.activeElement) || document.activeElement === document.body;
    const text = this.#input?.value ?? this.#typed ?? this.#standing.value;
    this.#problem = problem;
    this.element.hidden = false;
    this.#write(text);
    if (isHere) this.#input?.focus();
    return isHere;
  }

  /** Closes the input, with whatever stands in it. */
  close() {
    this.#input = this.#typed = null;
    this.#problem = '';
  }

  focus() {
    /** @type {HTMLElement | null} */ (this.place.querySelector('input, button'))?.focus();
  }

  /** The value as text to look at, and what can be done to it. */
  #read() {
    const { note, isYours, isEditable, isPending } = this.#standing;
    const isMine = isYours || this.#typed !== null;
    const hadFocus = this.place.contains(document.activeElement);
    this.#input = null;
    this.element.dataset.state = isMine ? 'yours' : '';
    this.#draw(
      el(
        'div',
        { class: 'plan__text' },
        this.#words(),
        isMine && el('span', { class: 'badge', dataset: { tone: 'busy' } }, icon('pencil'), 'Yours'),
        this.#typed !== null && icon('loader-circle', 'icon--turning'),
        isPending && el('span', { class: 'plan__pending', text: 'Not deployed yet' }),
        note && !isMine && el('span', { class: 'plan__source', text: note }),
      ),
      (isEditable || isMine) && this.#deeds(isMine),
    );
    if (hadFocus) this.focus();
  }

  #words() {
    const { shown, value } = this.#standing;
    const text = this.#typed ?? shown;
    const isKnown = this.#typed !== null || (value !== '' && shown !== '');
    if (!isKnown) return el('span', { class: 'plan__value muted', text: text || 'none' });
    return el(this.field.isCode ? 'code' : 'span', { class: 'plan__value', text });
  }

  /** @param {boolean} isMine */
  #deeds(isMine) {
    const { label } = this.field;
    return el(
      'div',
      { class: 'plan__deeds' },
      this.#button('pencil', isMine ? `Change: ${label}` : `Override: ${label}`, () => this.#open()),
      isMine && this.#button('undo-2', `Take back: ${label}`, () => this.#settle('')),
    );
  }

  #open() {
    this.#write(this.#typed ?? this.#standing.value);
    this.#input?.focus();
    this.#input?.select();
  }

  /** @param {string} text what stands in the input */
  #write(text) {
    const [errorId, listId] = [uniqueId('error'), uniqueId('choices')];
    const choices = this.#standing.choices ?? this.field.choices ?? [];
    const input = (this.#input = el('input', {
      class: `input${this.field.isCode ? ' input--mono' : ''}`,
      'aria-label': this.field.label,
      'aria-describedby': errorId,
      'aria-invalid': this.#problem ? 'true' : undefined,
      inputmode: this.field.isNumber ? 'numeric' : undefined,
      list: choices.length ? listId : undefined,
      spellcheck: 'false',
      autocomplete: 'off',
      autocapitalize: 'off',
    }));
    input.value = this.#before = text;
    input.addEventListener('keydown', (event) => this.#pressed(event));
    this.#draw(
      el(
        'div',
        { class: 'plan__edit' },
        input,
        this.#button('check', `Use it: ${this.field.label}`, () => this.#commit()),
        this.#button('x', `Leave as it was: ${this.field.label}`, () => this.#leave()),
      ),
      choices.length > 0 && el('datalist', { id: listId }, ...choices.map((value) => el('option', { value }))),
      el('p', { class: 'field__error', id: errorId }, this.#problem && icon('circle-alert'), this.#problem),
    );
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key !== 'Enter' && event.key !== 'Escape') return;
    // The row stands in a form, and in a page that has keys of its own.
    event.preventDefault();
    event.stopPropagation();
    if (event.key === 'Enter') this.#commit();
    else this.#leave();
  }

  /** Leaving the row takes over what was typed. @param {FocusEvent} event */
  #left({ relatedTarget }) {
    const isWithin = relatedTarget instanceof Node && this.place.contains(relatedTarget);
    if (this.#input && !this.#isDrawing && !isWithin) this.#commit();
  }

  #commit() {
    const text = this.#input?.value.trim() ?? '';
    const isSame = text === this.#before;
    if (isSame && this.#problem) return;
    if (isSame || (!text && !this.#standing.isYours && !this.#problem)) return this.#leave();
    this.#settle(text);
  }

  /** Back to how it was: a value that was refused is taken back. */
  #leave() {
    if (this.#problem) return this.#settle('');
    this.#typed = null;
    this.#read();
  }

  /** @param {string} text */
  #settle(text) {
    this.#typed = text || null;
    this.#problem = '';
    if (!text) this.#standing = { ...this.#standing, isYours: false };
    this.#read();
    this.onChange(text);
  }

  /**
   * @param {string} image
   * @param {string} label
   * @param {() => void} onClick
   */
  #button(image, label, onClick) {
    const button = el(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': label, title: label, on: { click: onClick } },
      icon(image),
    );
    // Some browsers give a pressed button no focus: pressing "Leave as it was" would be leaving the row.
    button.addEventListener('mousedown', (event) => this.#input && event.preventDefault());
    return button;
  }

  /** @param {...import('../lib/dom.js').Child} children */
  #draw(...children) {
    // Some browsers say that the focus leaves an element that is taken out.
    this.#isDrawing = true;
    fill(this.place, ...children);
    this.#isDrawing = false;
  }
}
