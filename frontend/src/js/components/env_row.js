/** One variable of an environment: its name, its masked value, and what is wrong with it. */

import { el, fill, uniqueId } from '../lib/dom.js';
import { problemOfName } from '../lib/env_text.js';
import { icon, setIcon } from './icon.js';

/** @import { Variable } from '../lib/env_text.js' */

const SHARED = { spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off' };

export class EnvRow {
  #problem = '';
  #duplicate = '';

  /**
   * @param {Partial<Variable> & { source?: string }} variable `source` says where a name that is offered was found
   * @param {{ onChange(): void, onRemove(row: EnvRow): void, onPaste(text: string, row: EnvRow): void }} events
   */
  constructor({ name = '', value = '', source = '' }, { onChange, onRemove, onPaste }) {
    this.onChange = onChange;
    /** Its name comes from the repository; left empty, it is not sent. */
    this.isOffered = source !== '';
    const errorId = uniqueId('error');
    this.error = el('p', { class: 'field__error', id: errorId });
    this.name = nameInput(errorId, name);
    this.value = valueInput(errorId, value);
    this.image = icon('eye');
    this.eye = iconButton('Show the value', this.image);
    this.eye.setAttribute('aria-pressed', 'false');
    this.cross = iconButton('Remove', icon('trash-2'));
    const note = source && el('p', { class: 'field__hint', text: `Named in ${source}` });
    const deeds = el('div', { class: 'env__deeds' }, this.eye, this.cross);
    this.element = el('div', { class: 'env__row' }, this.name, this.value, deeds, note, this.error);
    this.#listen(onRemove, onPaste);
    this.#label();
  }

  /** Whether it can be sent; says what is wrong where it cannot. */
  check() {
    const name = this.name.value.trim();
    const isUnused = !name && !this.value.value;
    this.#problem = isUnused ? '' : problemOfName(name);
    this.#show();
    return !this.#problem;
  }

  /** @param {string} text */
  setValue(text) {
    this.value.value = text;
  }

  /** @param {string} text why its name cannot stand there again; empty where it does not */
  setDuplicate(text) {
    this.#duplicate = text;
    this.#show();
  }

  /** @param {boolean} isShown */
  reveal(isShown) {
    this.value.classList.toggle('masked', !isShown);
    this.eye.setAttribute('aria-pressed', String(isShown));
    setIcon(this.image, isShown ? 'eye-off' : 'eye');
  }

  /**
   * @param {(row: EnvRow) => void} onRemove
   * @param {(text: string, row: EnvRow) => void} onPaste
   */
  #listen(onRemove, onPaste) {
    this.name.addEventListener('input', () => {
      if (this.#problem) this.check();
      this.#label();
      this.onChange();
    });
    this.name.addEventListener('blur', () => this.check());
    this.name.addEventListener('paste', (event) => takePaste(event, (text) => onPaste(text, this)));
    this.value.addEventListener('input', () => this.onChange());
    this.eye.addEventListener('click', () => this.reveal(this.value.classList.contains('masked')));
    this.cross.addEventListener('click', () => onRemove(this));
  }

  #show() {
    const text = this.#problem || this.#duplicate;
    fill(this.error, text && icon('circle-alert'), text);
    if (text) this.name.setAttribute('aria-invalid', 'true');
    else this.name.removeAttribute('aria-invalid');
  }

  #label() {
    const called = this.name.value.trim() || 'the variable';
    this.value.setAttribute('aria-label', `Value of ${called}`);
    this.cross.setAttribute('aria-label', `Remove ${called}`);
  }
}

/**
 * @param {string} errorId
 * @param {string} text
 */
function nameInput(errorId, text) {
  const input = el('input', {
    ...SHARED,
    class: 'input input--mono',
    placeholder: 'NAME',
    'aria-label': 'Name',
    'aria-describedby': errorId,
  });
  input.value = text;
  return input;
}

/**
 * @param {string} errorId
 * @param {string} text
 */
function valueInput(errorId, text) {
  const input = el('textarea', {
    ...SHARED,
    class: 'input input--mono env__value masked',
    rows: '1',
    placeholder: 'value',
    'aria-describedby': errorId,
  });
  input.value = text;
  return input;
}

/**
 * @param {string} label
 * @param {SVGElement} image
 */
function iconButton(label, image) {
  return el('button', { class: 'icon-button', type: 'button', 'aria-label': label }, image);
}

/**
 * A name never holds `=` or a line break: what does is a whole entry, or a whole file.
 * @param {ClipboardEvent} event
 * @param {(text: string) => void} onPaste
 */
function takePaste(event, onPaste) {
  const text = event.clipboardData?.getData('text/plain') ?? '';
  if (!/[=\n]/.test(text.trim())) return;
  event.preventDefault();
  onPaste(text);
}
