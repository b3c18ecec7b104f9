/** The user's repositories on GitHub, to choose one from. */

/** @import { GithubRepository, User } from '../types' */
import { ApiError, api } from '../lib/api.js';
import { debounce, el, fill } from '../lib/dom.js';
import { ago } from './time.js';
import { announce } from './announce.js';
import { busyWhile } from './dialog.js';
import { errorCard } from './error_card.js';
import { icon } from './icon.js';

const TOKEN_CODES = /token/;

/**
 * @param {{ onChoose: (repository: GithubRepository) => void }} events
 * @returns {{ element: HTMLElement, start(): void }} `start` loads the list, once.
 */
export function githubPicker({ onChoose }) {
  const search = el('input', {
    class: 'input',
    type: 'search',
    'aria-label': 'Search your repositories',
    placeholder: 'Search your repositories',
    autocomplete: 'off',
  });
  const list = el('ul', { class: 'repos', role: 'list' });
  const place = el('div', { class: 'stack' });
  const more = el('button', { class: 'button', type: 'button', text: 'Show more' });
  const bar = el('div', { class: 'input-group' }, icon('search'), search);
  const element = el('div', { class: 'stack' }, bar, place);
  let page = 1;
  let isStarted = false;
  /** @type {AbortController | null} */
  let running = null;

  async function load({ isNext = false } = {}) {
    running?.abort();
    const control = (running = new AbortController());
    page = isNext ? page + 1 : 1;
    if (!isNext) fill(place, ...skeletons());
    try {
      const { items, hasMore } = await api.githubRepositories({ q: search.value.trim(), page, signal: control.signal });
      const rows = items.map((repository) => row(repository, onChoose));
      if (isNext) list.append(...rows);
      else list.replaceChildren(...rows);
      fill(place, list.childElementCount ? list : nothing(search.value), hasMore && more);
      if (isNext) rows[0]?.querySelector('button')?.focus();
      else if (search.value) announce(`${items.length} repositories found.`);
    } catch (error) {
      if (!control.signal.aborted) showProblem(error);
    }
  }

  /** @param {unknown} error */
  function showProblem(error) {
    const problem = /** @type {ApiError} */ (error);
    const isAboutToken = problem instanceof ApiError && TOKEN_CODES.test(problem.code);
    bar.hidden = isAboutToken;
    fill(place, isAboutToken ? tokenProblem(problem) : errorCard(problem, { retry: () => load() }));
  }

  search.addEventListener(
    'input',
    debounce(() => load(), 300),
  );
  search.addEventListener('keydown', (event) => event.key === 'Enter' && event.preventDefault());
  more.addEventListener('click', () => busyWhile(more, () => load({ isNext: true })));
  return {
    element,
    async start() {
      if (isStarted) return;
      isStarted = true;
      fill(place, ...skeletons());
      const user = await api.me().catch(() => null);
      if (user && !user.has_github_token) {
        isStarted = false;
        bar.hidden = true;
        return fill(place, tokenMissing());
      }
      bar.hidden = false;
      await load();
    },
  };
}

/**
 * @param {GithubRepository} repository
 * @param {(repository: GithubRepository) => void} onChoose
 */
function row(repository, onChoose) {
  const choose = el('button', {
    class: 'button',
    type: 'button',
    'aria-label': `Choose ${repository.full_name}`,
    text: 'Choose',
  });
  choose.addEventListener('click', () => onChoose(repository));
  return el(
    'li',
    { class: 'repos__row' },
    el(
      'div',
      { class: 'repos__text' },
      el(
        'p',
        { class: 'repos__name' },
        el('strong', { text: repository.full_name }),
        repository.private && el('span', { class: 'badge' }, icon('lock'), 'Private'),
      ),
      el(
        'p',
        { class: 'small muted row' },
        repository.language,
        repository.pushed_at && el('span', {}, 'pushed ', ago(repository.pushed_at)),
      ),
    ),
    choose,
  );
}

function tokenMissing() {
  return el(
    'div',
    { class: 'empty' },
    icon('github'),
    el('p', { text: 'Store a GitHub token, and your repositories are listed here, the private ones too.' }),
    el('a', { class: 'button button--primary', href: '/account#github' }, 'Store a GitHub token'),
    el('p', { class: 'small muted', text: 'Public repositories need none: paste their address.' }),
  );
}

/** @param {ApiError} problem */
function tokenProblem(problem) {
  const change = el('a', { class: 'button', href: '/account#github' }, icon('key-round'), 'Change the token');
  return errorCard(problem, { actions: [change] });
}

/** @param {string} words */
function nothing(words) {
  const text = words ? `No repository matches “${words}”.` : 'This token sees no repositories.';
  return el('div', { class: 'empty' }, icon('search'), el('p', { text }));
}

function skeletons() {
  return [1, 2, 3].map(() => el('div', { class: 'skeleton skeleton--block' }));
}
