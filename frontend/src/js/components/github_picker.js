/** The user's repositories on GitHub, to choose one from. */

/** @import { ApiError } from '../lib/api.js' */
/** @import { GithubRepositories, GithubRepository } from '../types' */
import '../../css/parts/forms.css';
import { api } from '../lib/api.js';
import { debounce, el, fill } from '../lib/dom.js';
import { plural } from '../lib/format.js';
import { announce } from './announce.js';
import { busyWhile } from './dialog.js';
import { errorCard } from './error_card.js';
import { icon } from './icon.js';
import { ago } from './time.js';

const ABOUT_TOKEN = new Set(['github-token-refused', 'github-forbidden']);

export class GithubPicker {
  #nextPage = 1;
  #isStarted = false;
  /** @type {AbortController | null} */
  #running = null;

  /** @param {{ onChoose: (repository: GithubRepository) => void }} events */
  constructor({ onChoose }) {
    this.onChoose = onChoose;
    this.search = el('input', {
      class: 'input',
      type: 'search',
      'aria-label': 'Search your repositories',
      placeholder: 'Search your repositories',
      autocomplete: 'off',
    });
    this.bar = el('div', { class: 'input-group' }, icon('search'), this.search);
    this.place = el('div', { class: 'stack' });
    this.list = el('ul', { class: 'repos', role: 'list' });
    this.more = el('button', { class: 'button', type: 'button', text: 'Show more' });
    this.element = el('div', { class: 'stack' }, this.bar, this.place);
    const find = debounce(() => void this.#begin(), 300);
    this.search.addEventListener('input', find);
    this.search.addEventListener('keydown', (event) => event.key === 'Enter' && event.preventDefault());
    this.more.addEventListener('click', () => busyWhile(this.more, () => this.#load(this.#nextPage)));
  }

  /** Loads the list, once. */
  start() {
    if (!this.#isStarted) void this.#begin();
    this.#isStarted = true;
  }

  #begin() {
    fill(this.place, ...[1, 2, 3].map(() => el('div', { class: 'skeleton skeleton--block' })));
    return this.#load(1);
  }

  /** @param {number} page */
  async #load(page) {
    this.#running?.abort();
    const control = (this.#running = new AbortController());
    try {
      const search = this.search.value.trim();
      this.#show(await api.githubRepositories({ search, page, signal: control.signal }));
    } catch (error) {
      if (!control.signal.aborted) this.#showProblem(/** @type {ApiError} */ (error));
    }
  }

  /** @param {GithubRepositories} found */
  #show(found) {
    const rows = found.repositories.map((repository) => row(repository, this.onChoose));
    if (found.page === 1) this.list.replaceChildren();
    this.list.append(...rows);
    this.#nextPage = found.next_page ?? 0;
    this.bar.hidden = false;
    const shown = this.list.childElementCount ? this.list : nothing(this.search.value);
    fill(this.place, shown, this.#nextPage > 0 && this.more, ...asides(found));
    if (found.page > 1) rows[0]?.querySelector('button')?.focus();
    else if (this.search.value) {
      announce(rows.length ? `${plural(rows.length, 'repository', 'repositories')} found.` : 'No repository found.');
    }
  }

  /** @param {ApiError} problem */
  #showProblem(problem) {
    this.#isStarted = problem.code !== 'github-token-missing';
    this.bar.hidden = !this.#isStarted;
    fill(this.place, this.#isStarted ? problemCard(problem, () => void this.#begin()) : tokenMissing());
  }
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
