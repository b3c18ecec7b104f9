/** The user's repositories on GitHub, to choose one from. */

/** @import { ApiError } from '../lib/api.js' */
/** @import { GithubRepositories, GithubRepository } from '../types' */
import { api } from '../lib/api.js';
import { debounce, el, fill } from '../lib/dom.js';
import { announce } from './announce.js';
import { busyWhile } from './dialog.js';
import { errorCard } from './error_card.js';
import { icon } from './icon.js';
import { ago } from './time.js';

const ABOUT_TOKEN = new Set(['github-token-refused', 'github-forbidden']);

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
  const bar = el('div', { class: 'input-group' }, icon('search'), search);
  const place = el('div', { class: 'stack' });
  const list = el('ul', { class: 'repos', role: 'list' });
  const more = el('button', { class: 'button', type: 'button', text: 'Show more' });
  let nextPage = 1;
  let isStarted = false;
  /** @type {AbortController | null} */
  let running = null;

  const load = async (/** @type {number} */ page) => {
    running?.abort();
    const control = (running = new AbortController());
    try {
      const found = await api.githubRepositories({ search: search.value.trim(), page, signal: control.signal });
      show(found);
    } catch (error) {
      if (!control.signal.aborted) showProblem(/** @type {ApiError} */ (error));
    }
  };
  const show = (/** @type {GithubRepositories} */ found) => {
    const rows = found.repositories.map((repository) => row(repository, onChoose));
    if (found.page === 1) list.replaceChildren();
    list.append(...rows);
    nextPage = found.next_page ?? 0;
    bar.hidden = false;
    fill(place, list.childElementCount ? list : nothing(search.value), nextPage > 0 && more, ...asides(found));
    if (found.page > 1) rows[0]?.querySelector('button')?.focus();
    else if (search.value) announce(rows.length ? `${rows.length} repositories found.` : 'No repository found.');
  };
  const showProblem = (/** @type {ApiError} */ problem) => {
    isStarted = problem.code !== 'github-token-missing';
    bar.hidden = !isStarted;
    fill(place, isStarted ? problemCard(problem, begin) : tokenMissing());
  };
  const begin = () => {
    fill(place, ...[1, 2, 3].map(() => el('div', { class: 'skeleton skeleton--block' })));
    return load(1);
  };

  search.addEventListener('input', debounce(begin, 300));
  search.addEventListener('keydown', (event) => event.key === 'Enter' && event.preventDefault());
  more.addEventListener('click', () => busyWhile(more, () => load(nextPage)));
  return {
    element: el('div', { class: 'stack' }, bar, place),
    start() {
      if (!isStarted) begin();
      isStarted = true;
    },
  };
}

/**
 * @param {GithubRepository} repository
 * @param {(repository: GithubRepository) => void} onChoose
 */
function row(repository, onChoose) {
  const { full_name: name, language, pushed_at: pushed, description } = repository;
  const choose = el('button', { class: 'button', type: 'button', 'aria-label': `Choose ${name}`, text: 'Choose' });
  choose.addEventListener('click', () => onChoose(repository));
  return el(
    'li',
    { class: 'repos__row' },
    el(
      'div',
      { class: 'repos__text' },
      el('p', { class: 'repos__name' }, el('strong', { text: name }), ...marks(repository)),
      description && el('p', { class: 'small truncate', text: description }),
      el(
        'p',
        { class: 'repos__facts' },
        language && el('span', { text: language }),
        pushed && el('span', {}, 'pushed ', ago(pushed)),
      ),
    ),
    choose,
  );
}

/** @param {GithubRepository} repository */
function marks(repository) {
  return [
    repository.private && el('span', { class: 'badge' }, icon('lock'), 'Private'),
    repository.fork && el('span', { class: 'badge' }, icon('git-branch'), 'Fork'),
    repository.archived && el('span', { class: 'badge' }, icon('package'), 'Archived'),
  ].filter((mark) => mark !== false);
}

/** @param {GithubRepositories} found */
function asides({ sees_private: seesPrivate, incomplete }) {
  const texts = [
    seesPrivate === false && 'Your token sees public repositories only.',
    incomplete && 'GitHub could not search all of them; use more of the name.',
  ];
  return texts.map((text) => text && el('p', { class: 'small muted' }, icon('info'), ` ${text}`));
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

/**
 * @param {ApiError} problem
 * @param {() => void} retry
 */
function problemCard(problem, retry) {
  if (!ABOUT_TOKEN.has(problem.code)) return errorCard(problem, { retry });
  const change = el('a', { class: 'button', href: '/account#github' }, icon('key-round'), 'Change the token');
  return errorCard(problem, { actions: [change] });
}

/** @param {string} words */
function nothing(words) {
  const text = words ? `No repository matches “${words}”.` : 'This token sees no repositories.';
  return el('div', { class: 'empty' }, icon('search'), el('p', { text }));
}
