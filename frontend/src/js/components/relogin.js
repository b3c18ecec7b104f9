/** Asks for the password again where a session ended in the middle of work: nothing that was typed is lost. */

import { api } from '../lib/api.js';
import { lastUsername } from '../lib/auth.js';
import { el } from '../lib/dom.js';
import { busyWhile, openDialog } from './dialog.js';
import { field } from './field.js';
import { loginAddress } from './shell.js';
import { toast } from './toast.js';

/** @type {Promise<void> | null} */
let asking = null;

/** Opens the dialog, once however many requests wait for it. Without a new log-in it leads to the log-in page. */
export function askAgain() {
  asking ??= ask().finally(() => (asking = null));
  return asking;
}

async function ask() {
  const before = lastUsername();
  const name = field({ label: 'User name or e-mail', name: 'username', value: before, autocomplete: 'username' });
  const password = field({ label: 'Password', name: 'password', type: 'password', autocomplete: 'current-password' });
  const submit = el('button', { class: 'button button--primary', type: 'submit', text: 'Log in and go on' });
  const form = el(
    'form',
    { class: 'stack', novalidate: true },
    el('p', { class: 'muted', text: 'Your session has ended. Log in to go on; nothing you typed here is lost.' }),
    name.element,
    password.element,
    el('div', { class: 'dialog__foot' }, submit),
  );
  const { close, closed } = openDialog({ title: 'Log in again', body: [form] });
  (before ? password : name).input.focus();
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    password.setError('');
    busyWhile(submit, async () => {
      try {
        await api.login({ username: name.input.value.trim(), password: password.input.value });
        close('done');
      } catch (error) {
        password.setError(/** @type {Error} */ (error).message);
        password.input.select();
      }
    });
  });
  if ((await closed) !== 'done') return location.assign(loginAddress());
  if (before && before !== name.input.value.trim()) return location.reload();
  toast('You are logged in again.', { tone: 'good' });
}
