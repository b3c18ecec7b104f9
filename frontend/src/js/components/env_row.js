/** One variable of an environment: its name, its masked value, and what is wrong with it. */

import { el, fill, uniqueId } from '../lib/dom.js';
import { problemOfName } from '../lib/env_text.js';
import { icon, setIcon } from './icon.js';

/** @import { Variable } from '../lib/env_text.js' */

/**
 * @typedef {{
 *   element: HTMLElement, name: HTMLInputElement, value: HTMLTextAreaElement, isOffered: boolean, check(): boolean,
 *   setValue(value: string): void, setDuplicate(text: string): void, reveal(isShown: boolean): void,
 * }} Row `isOffered`: its name comes from the repository; left empty, it is not sent.
 */

/**
 * @param {Partial<Variable> & { source?: string }} variable `source` says where a name that is offered was found
 * @param {{ onChange(): void, onRemove(): void, onPaste(text: string): void }} events
 * @returns {Row}
 */
export function envRow({ name: givenName = '', value: givenValue = '', source = '' }, { onChange, onRemove, onPaste }) {
  const errorId = uniqueId('error');
  const shared = { spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', 'aria-describedby': errorId };
  const name = el('input', { ...shared, class: 'input input--mono', placeholder: 'NAME', 'aria-label': 'Name' });
  const value = el('textarea', {
    ...shared,
    class: 'input input--mono env__value masked',
    rows: '1',
    placeholder: 'value',
  });
  const image = icon('eye');
  const eye = el(
    'button',
    { class: 'icon-button', type: 'button', 'aria-label': 'Show the value', 'aria-pressed': 'false' },
    image,
  );
  const cross = el('button', { class: 'icon-button', type: 'button', 'aria-label': 'Remove' }, icon('trash-2'));
  const error = el('p', { class: 'field__error', id: errorId });
  const note = source && el('p', { class: 'field__hint', text: `Named in ${source}` });
  name.value = givenName;
  value.value = givenValue;

  let problem = '';
  let duplicate = '';
  const show = () => {
    const text = problem || duplicate;
    fill(error, text && icon('circle-alert'), text);
    if (text) name.setAttribute('aria-invalid', 'true');
    else name.removeAttribute('aria-invalid');
  };
  const label = () => {
    const called = name.value.trim() || 'the variable';
    value.setAttribute('aria-label', `Value of ${called}`);
    cross.setAttribute('aria-label', `Remove ${called}`);
  };
  const check = () => {
    const isUnused = !name.value.trim() && !value.value;
    problem = isUnused ? '' : problemOfName(name.value.trim());
    show();
    return !problem;
  };
  const reveal = (/** @type {boolean} */ isShown) => {
    value.classList.toggle('masked', !isShown);
    eye.setAttribute('aria-pressed', String(isShown));
    setIcon(image, isShown ? 'eye-off' : 'eye');
  };
  name.addEventListener('input', () => {
    if (problem) check();
    label();
    onChange();
  });
  name.addEventListener('blur', check);
  name.addEventListener('paste', (event) => takePaste(event, onPaste));
  value.addEventListener('input', onChange);
  eye.addEventListener('click', () => reveal(value.classList.contains('masked')));
  cross.addEventListener('click', onRemove);
  label();
  return {
    element: el('div', { class: 'env__row' }, name, value, el('div', { class: 'env__deeds' }, eye, cross), note, error),
    name,
    value,
    isOffered: source !== '',
    check,
    setValue: (text) => (value.value = text),
    setDuplicate(text) {
      duplicate = text;
      show();
    },
    reveal,
  };
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
