/** The parts of the account page. */

/** @import { ApiError } from '../lib/api.js' */
/** @import { Child } from '../lib/dom.js' */
/** @import { Field } from './field.js' */
/** @import { User } from '../types' */
import { api } from '../lib/api.js';
import { el, fill, uniqueId } from '../lib/dom.js';
import { busyWhile, confirmDialog } from './dialog.js';
import { field } from './field.js';
import { icon } from './icon.js';
import { ago } from './time.js';
import { toast } from './toast.js';

const SHORTEST_PASSWORD = 8;

/** @param {User} user */
export function profileCard(user) {
  return card(
    'user',
    'Profile',
    el(
      'dl',
      { class: 'profile' },
      ...[
        fact('User name', user.username),
        fact('E-mail', user.email),
        fact('Member since', ago(user.created_at)),
      ].flat(),
    ),
  );
}

/** @param {User} user */
export function githubCard(user) {
  const place = el('div', { class: 'stack' });
  const show = (/** @type {User} */ now) => fill(place, githubState(now, show), githubForm(now, show));
  show(user);
  const element = card('github', 'GitHub token', place);
  element.id = 'github';
  return element;
}

/** @param {User} user */
export function passwordCard(user) {
  const { name, current, fresh } = passwordFields(user);
  const submit = el('button', { class: 'button', type: 'submit', text: 'Change the password' });
  const form = el(
    'form',
    { class: 'stack narrow', novalidate: true },
    name,
    current.element,
    fresh.element,
    el('div', { class: 'row' }, submit),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    busyWhile(submit, async () => {
      if (!(await changePassword(current, fresh))) return;
      form.reset();
      name.value = user.username;
    });
  });
  return card('lock', 'Password', form);
}

/** The name is there for password managers only. @param {User} user */
function passwordFields(user) {
  const name = el('input', {
    class: 'visually-hidden',
    type: 'text',
    name: 'username',
    autocomplete: 'username',
    tabindex: '-1',
    'aria-hidden': 'true',
  });
  name.value = user.username;
  const current = field({
    label: 'Current password',
    name: 'current-password',
    type: 'password',
    autocomplete: 'current-password',
  });
  const fresh = field({
    label: 'New password',
    name: 'new-password',
    type: 'password',
    autocomplete: 'new-password',
    hint: 'At least 8 characters. Your other sessions end.',
  });
  for (const one of [current, fresh]) one.input.addEventListener('input', () => one.setError(''));
  return { name, current, fresh };
}

/**
 * Gives whether it was changed; what is wrong is said at its field.
 * @param {Field} current
 * @param {Field} fresh
 */
async function changePassword(current, fresh) {
  current.setError(current.input.value ? '' : 'Enter the password that you have now.');
  fresh.setError(fresh.input.value.length >= SHORTEST_PASSWORD ? '' : 'A password has at least 8 characters.');
  const wrong = [current, fresh].find(({ input }) => input.getAttribute('aria-invalid'));
  if (wrong) {
    wrong.input.focus();
    return false;
  }
  try {
    await api.changePassword({ current_password: current.input.value, new_password: fresh.input.value });
    toast('The password is changed. Your other sessions have ended.', { tone: 'good' });
    return true;
  } catch (error) {
    const { status, message, hint } = /** @type {ApiError} */ (error);
    const place = status === 403 ? current : fresh;
    place.setError(`${message} ${hint}`);
    place.input.focus();
    return false;
  }
}

export function sessionsCard() {
  const everywhere = el('button', { class: 'button', type: 'button' }, icon('log-out'), 'Log out everywhere');
  everywhere.addEventListener('click', async () => {
    const isDone = await confirmDialog({
      title: 'Log out everywhere?',
      body: [
        el('p', {
          text: 'Every session of your account ends at once: this browser, others, and the command line. Your applications go on running.',
        }),
      ],
      confirm: 'Log out everywhere',
      deed: () => api.logout({ everywhere: true }),
    });
    if (isDone) location.assign('/');
  });
  return card(
    'shield-check',
    'Sessions',
    el(
      'div',
      { class: 'stack' },
      el('p', { class: 'muted', text: 'Lost a laptop, or logged in on a machine that is not yours?' }),
      el('div', { class: 'row' }, everywhere),
    ),
  );
}

/**
 * @param {User} user
 * @param {(user: User) => void} show
 */
function githubState(user, show) {
  if (!user.has_github_token) {
    const text =
      'With a token, private repositories can be cloned, and yours are listed in the deploy form. It is stored encrypted and never shown again.';
    return el('p', { class: 'muted', text });
  }
  const forget = el('button', { class: 'button', type: 'button' }, icon('trash-2'), 'Forget the token');
  forget.addEventListener('click', async () => {
    const isDone = await confirmDialog({
      title: 'Forget the GitHub token?',
      body: [
        el('p', {
          text: 'Private repositories can no longer be deployed until you store another. What runs goes on running.',
        }),
      ],
      confirm: 'Forget the token',
      isDangerous: true,
      deed: () => api.forgetGithubToken(),
    });
    if (!isDone) return;
    show({ ...user, has_github_token: false });
    toast('The token is forgotten.', { tone: 'good' });
  });
  return el(
    'div',
    { class: 'row row--apart' },
    el(
      'p',
      { class: 'row' },
      el('span', { class: 'badge', dataset: { tone: 'good' } }, icon('circle-check'), 'Stored'),
      ago(user.github_token_added_at),
    ),
    forget,
  );
}

/**
 * @param {User} user
 * @param {(user: User) => void} show
 */
function githubForm(user, show) {
  const token = field({
    label: user.has_github_token ? 'Another token in its place' : 'Token',
    name: 'github-token',
    type: 'password',
    autocomplete: 'off',
    placeholder: 'github_pat_… or ghp_…',
    hint: 'A fine-grained token with read access to contents and metadata is enough.',
  });
  const submit = el('button', { class: 'button button--primary', type: 'submit', text: 'Store the token' });
  const form = el(
    'form',
    { class: 'stack narrow', novalidate: true },
    token.element,
    el('div', { class: 'row' }, submit),
  );
  token.input.addEventListener('input', () => token.setError(''));
  const store = async () => {
    const text = token.input.value.trim();
    token.setError(
      /^[\x21-\x7e]{8,255}$/.test(text) ? '' : 'That does not look like a token: paste it whole, without spaces.',
    );
    if (token.input.getAttribute('aria-invalid')) return token.input.focus();
    try {
      show(await api.storeGithubToken(text));
      toast('The token is stored.', { tone: 'good' });
    } catch (error) {
      const { message, hint } = /** @type {ApiError} */ (error);
      token.setError(`${message} ${hint}`);
      token.input.focus();
    }
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    busyWhile(submit, store);
  });
  return form;
}

/**
 * @param {string} image
 * @param {string} title
 * @param {...Child} children
 */
function card(image, title, ...children) {
  const id = uniqueId('card');
  return el(
    'section',
    { class: 'card account__card', 'aria-labelledby': id },
    el('h2', { class: 'account__title', id }, icon(image), title),
    ...children,
  );
}

/**
 * @param {string} term
 * @param {Child} description
 */
function fact(term, description) {
  return [el('dt', { text: term }), el('dd', {}, description)];
}
