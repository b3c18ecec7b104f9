/** A labelled input with a hint and an error that stands at it. */

import { el, uniqueId } from '../lib/dom.js';
import { icon, setIcon } from './icon.js';

/** @import { Child } from '../lib/dom.js' */

/**
 * @typedef {{ element: HTMLElement, input: HTMLInputElement, setError(text: string): void, setNote(...children: Child[]): void }} Field
 */

/**
 * `hint` always shows; `setNote` puts something below the input while it applies, `setError` what is wrong.
 * A password gets a button that shows it.
 * @param {{
 *   label: string, name: string, type?: string, value?: string, hint?: string, placeholder?: string, autocomplete?: string,
 *   isOptional?: boolean, isRequired?: boolean, [attribute: string]: any,
 * }} what
 * @returns {Field}
 */
export function field({ label, name, type = 'text', value = '', hint = '', isOptional, isRequired, ...attributes }) {
  const [id, hintId, noteId, errorId] = ['field', 'hint', 'note', 'error'].map(uniqueId);
  const input = el('input', {
    class: 'input',
    id,
    name,
    type,
    spellcheck: 'false',
    autocapitalize: 'off',
    ...attributes,
    'aria-required': isRequired ? 'true' : undefined,
    'aria-describedby': [hint && hintId, noteId, errorId].filter(Boolean).join(' '),
  });
  input.value = value;
  const note = el('p', { class: 'field__note', id: noteId });
  const error = el('p', { class: 'field__error', id: errorId });
  const optional = isOptional && el('span', { class: 'field__optional', text: ' optional' });
  const element = el(
    'div',
    { class: 'field' },
    el('label', { class: 'field__label', for: id }, label, optional),
    type === 'password' ? withEye(input) : input,
    hint && el('p', { class: 'field__hint', id: hintId, text: hint }),
    note,
    error,
  );
  return {
    element,
    input,
    setError: (text) => showError(input, error, text),
    setNote: (...children) => note.replaceChildren(.../** @type {(Node | string)[]} */ (children.filter(Boolean))),
  };
}

/**
 * @param {HTMLInputElement} input
 * @param {HTMLElement} place
 * @param {string} text empty where nothing is wrong
 */
function showError(input, place, text) {
  place.replaceChildren(...(text ? [icon('circle-alert'), text] : []));
  if (text) input.setAttribute('aria-invalid', 'true');
  else input.removeAttribute('aria-invalid');
}

/** @param {HTMLInputElement} input */
function withEye(input) {
  const image = icon('eye');
  const eye = el(
    'button',
    { class: 'icon-button', type: 'button', 'aria-label': 'Show password', 'aria-pressed': 'false' },
    image,
  );
  eye.addEventListener('click', () => {
    const isShown = input.type === 'password';
    input.type = isShown ? 'text' : 'password';
    eye.setAttribute('aria-pressed', String(isShown));
    setIcon(image, isShown ? 'eye-off' : 'eye');
    input.focus();
  });
  return el('div', { class: 'input-group' }, input, eye);
}
