/** `/account`: the GitHub token, the password and the sessions. */

/** @import { User } from '../types' */
import { githubCard, passwordCard, profileCard, sessionsCard } from '../components/account_cards.js';
import { errorCard } from '../components/error_card.js';
import { startShell } from '../components/shell.js';
import { api } from '../lib/api.js';
import { el, fill, hook } from '../lib/dom.js';

if (startShell({ needsLogin: true })) load(hook('account'));

/** @param {HTMLElement} place */
async function load(place) {
  fill(place, el('div', { class: 'skeleton skeleton--block' }), el('div', { class: 'skeleton skeleton--block' }));
  try {
    show(place, await api.me());
  } catch (error) {
    fill(place, errorCard(/** @type {any} */ (error), { retry: () => load(place) }));
  }
  place.removeAttribute('aria-busy');
}

/**
 * @param {HTMLElement} place
 * @param {User} user
 */
function show(place, user) {
  const column = (/** @type {HTMLElement[]} */ ...cards) => el('div', { class: 'account__column' }, ...cards);
  fill(place, column(githubCard(user), passwordCard(user)), column(profileCard(user), sessionsCard()));
  if (location.hash === '#github') document.querySelector('#github')?.scrollIntoView();
}
