/** Dialogs: the browser's own, with a heading, a body and buttons. */

import { el, uniqueId } from '../lib/dom.js';
import { icon } from './icon.js';

/** @import { Child } from '../lib/dom.js' */

/**
 * Opens a dialog; Escape and the cross close it. The promise gives what `close` was called with, null otherwise.
 * @param {{ title: string, body: Child[], actions?: Child[], isWide?: boolean }} what
 * @returns {{ dialog: HTMLDialogElement, close(value?: string): void, closed: Promise<string | null> }}
 */
export function openDialog({ title, body, actions = [], isWide = false }) {
  const heading = uniqueId('dialog');
  const cross = el('button', { class: 'icon-button', type: 'button', 'aria-label': 'Close' }, icon('x'));
  const head = el('div', { class: 'dialog__head' }, el('h2', { id: heading, text: title }), cross);
  const dialog = el(
    'dialog',
    { class: `dialog glass${isWide ? ' dialog--wide' : ''}`, 'aria-labelledby': heading },
    head,
    el('div', { class: 'dialog__body' }, ...body),
    actions.length > 0 && el('div', { class: 'dialog__foot' }, ...actions),
  );
  const close = (/** @type {string} */ value = '') => dialog.close(value);
  cross.addEventListener('click', () => close());
  const closed = /** @type {Promise<string | null>} */ (
    new Promise((resolve) => {
      dialog.addEventListener('close', () => {
        dialog.remove();
        resolve(dialog.returnValue || null);
      });
    })
  );
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, close, closed };
}

/**
 * Asks before a deed. With `typed`, the button works only once exactly that was typed. The dialog stays open while
 * `deed` runs, shows what it failed of, and gives true once it is done.
 * @param {{
 *   title: string, body: Child[], confirm: string, typed?: string, isDangerous?: boolean, deed: () => Promise<unknown>,
 * }} what
 * @returns {Promise<boolean>}
 */
export async function confirmDialog({ title, body, confirm, typed, isDangerous = false, deed }) {
  const kind = isDangerous ? 'button--danger' : 'button--primary';
  const yes = el('button', { class: `button ${kind}`, type: 'submit', text: confirm });
  const no = el('button', { class: 'button', type: 'button', text: 'Cancel' });
  const problem = el('p', { class: 'field__error', role: 'alert' });
  const input = typed === undefined ? null : nameInput();
  const form = el(
    'form',
    { class: 'stack', novalidate: true },
    ...body,
    input && typedField(typed ?? '', input),
    problem,
    el('div', { class: 'dialog__foot' }, no, yes),
  );
  const { close, closed } = openDialog({ title, body: [form] });
  const isTyped = () => !input || input.value.trim() === typed;
  const update = () => setEnabled(yes, isTyped());
  input?.addEventListener('input', update);
  update();
  (input ?? no).focus();
  no.addEventListener('click', () => close());
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (isTyped()) void busyWhile(yes, () => attempt(deed, problem, () => close('done')));
  });
  return (await closed) === 'done';
}

function nameInput() {
  return el('input', { class: 'input', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off' });
}

/**
 * @param {string} typed
 * @param {HTMLInputElement} input
 */
function typedField(typed, input) {
  const label = el('span', { class: 'field__label' }, 'Type ', el('code', { text: typed }), ' to confirm');
  return el('label', { class: 'field' }, label, input);
}

/**
 * @param {() => Promise<unknown>} deed
 * @param {HTMLElement} problem says what it failed of
 * @param {() => void} onDone
 */
async function attempt(deed, problem, onDone) {
  problem.textContent = '';
  try {
    await deed();
    onDone();
  } catch (error) {
    const { message, hint = '' } = /** @type {any} */ (error);
    problem.textContent = `${message} ${hint}`.trim();
  }
}

/**
 * Shows a button as busy while something runs, and keeps a second click from starting it again.
 * @param {HTMLElement} button
 * @param {() => Promise<unknown>} work
 */
export async function busyWhile(button, work) {
  if (button.dataset.busy) return;
  button.dataset.busy = 'true';
  button.setAttribute('aria-disabled', 'true');
  try {
    await work();
  } finally {
    delete button.dataset.busy;
    button.removeAttribute('aria-disabled');
  }
}

/**
 * @param {HTMLButtonElement} button
 * @param {boolean} isEnabled
 */
function setEnabled(button, isEnabled) {
  button.disabled = !isEnabled;
}
