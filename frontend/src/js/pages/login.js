/** `/login`: log in, or make an account; then back to where one was. */

/** @import { ApiError } from '../lib/api.js' */
/** @import { Field } from '../components/field.js' */
import { announce } from '../components/announce.js';
import { busyWhile } from '../components/dialog.js';
import { errorCard } from '../components/error_card.js';
import { field } from '../components/field.js';
import { startShell } from '../components/shell.js';
import { api } from '../lib/api.js';
import { currentSession } from '../lib/auth.js';
import { el, fill, hook } from '../lib/dom.js';
import { nextAddress, problemOf } from '../lib/login_rules.js';

const search = new URLSearchParams(location.search);
const isNew = search.get('mode') === 'register';
const next = nextAddress(search.get('next'));

startShell();
if (currentSession()) location.replace(next);
else show();

function show() {
  const notice = hook('notice');
  const fields = isNew ? newAccount() : credentials();
  const word = isNew ? 'Make an account' : 'Log in';
  const submit = el('button', { class: 'button button--primary button--large', type: 'submit', text: word });
  const form = el(
    'form',
    { class: 'stack', novalidate: true, method: 'post', 'aria-label': word },
    ...fields.map(({ element }) => element),
    submit,
  );
  document.title = `${word} · DevOps Butler`;
  hook('title').textContent = word;
  hook('lead').textContent = isNew ? 'It lives on this server only.' : 'Your applications are waiting.';
  fill(hook('form'), form);
  fill(hook('other'), ...otherWay());

  for (const one of fields) {
    one.input.addEventListener(
      'blur',
      () => one.input.value && one.setError(problemOf(one.input.name, one.input.value, isNew)),
    );
    one.input.addEventListener('input', () => one.setError(''));
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    busyWhile(submit, () => send(fields, notice));
  });
}

/**
 * @param {Field[]} fields
 * @param {HTMLElement} notice
 */
async function send(fields, notice) {
  fill(notice);
  for (const one of fields) one.setError(problemOf(one.input.name, one.input.value, isNew));
  const wrong = fields.find(({ input }) => input.getAttribute('aria-invalid'));
  if (wrong) return wrong.input.focus();
  const values = Object.fromEntries(
    fields.map(({ input }) => [input.name, input.name === 'password' ? input.value : input.value.trim()]),
  );
  try {
    await (isNew ? api.register(/** @type {any} */ (values)) : api.login(/** @type {any} */ (values)));
    announce('You are logged in.');
    location.replace(next);
    await new Promise(() => {});
  } catch (error) {
    showRefusal(/** @type {ApiError} */ (error), fields, notice);
  }
}

/**
 * @param {ApiError} error
 * @param {Field[]} fields
 * @param {HTMLElement} notice
 */
function showRefusal(error, fields, notice) {
  const byName = Object.fromEntries(fields.map((one) => [one.input.name, one]));
  let first = null;
  for (const line of error.lines ?? []) {
    const [, name, text] = /^(\w+): (.+)$/.exec(line) ?? [];
    if (!byName[name]) continue;
    byName[name].setError(text);
    first ??= byName[name];
  }
  if (!first && error.status === 401) {
    first = byName.password;
    first.setError(`${error.message} ${error.hint}`);
  }
  if (!first && error.status === 409) {
    first = byName.username;
    first.setError(`${error.message} ${error.hint}`);
  }
  if (first) {
    first.input.focus();
    first.input.select();
  } else fill(notice, errorCard(error));
}

function credentials() {
  return [
    field({
      label: 'User name or e-mail',
      name: 'username',
      autocomplete: 'username',
      isRequired: true,
      autofocus: true,
    }),
    field({
      label: 'Password',
      name: 'password',
      type: 'password',
      autocomplete: 'current-password',
      isRequired: true,
    }),
  ];
}

function newAccount() {
  const rule = 'Letters, digits, - and _, 2 to 32 of them.';
  return [
    field({
      label: 'User name',
      name: 'username',
      autocomplete: 'username',
      hint: rule,
      isRequired: true,
      autofocus: true,
    }),
    field({ label: 'E-mail', name: 'email', type: 'email', autocomplete: 'email', isRequired: true }),
    field({
      label: 'Password',
      name: 'password',
      type: 'password',
      autocomplete: 'new-password',
      hint: 'At least 8 characters. A few words are good.',
      isRequired: true,
    }),
  ];
}

function otherWay() {
  const to = new URLSearchParams(search);
  if (isNew) to.delete('mode');
  else to.set('mode', 'register');
  const href = `/login${to.size ? `?${to}` : ''}`;
  return isNew
    ? ['You have an account? ', el('a', { href, text: 'Log in' })]
    : ['New here? ', el('a', { href, text: 'Make an account' })];
}
