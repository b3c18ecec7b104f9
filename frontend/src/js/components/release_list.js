/** Every deployment that an app ever had, newest first. */

/** @import { Deployment, Release } from '../types' */
import { appsApi } from '../lib/apps_api.js';
import { el, fill } from '../lib/dom.js';
import { duration } from '../lib/format.js';
import { commitText } from './app_facts.js';
import { badge, releaseState } from './badge.js';
import { errorCard } from './error_card.js';
import { icon } from './icon.js';
import { pager } from './pager.js';
import { ago } from './time.js';

const PAGE_SIZE = 20;

/**
 * @param {{ name: string, onOpen(release: number): void }} what
 * @returns {{ element: HTMLElement, load(): Promise<void> }}
 */
export function releaseList({ name, onOpen }) {
  let page = 1;
  const place = el(
    'div',
    { class: 'releases__place', 'aria-busy': 'true' },
    el('div', { class: 'skeleton skeleton--block' }),
  );
  const pages = pager({
    label: 'Pages of releases',
    onPage(chosen) {
      page = chosen;
      void load();
    },
  });
  const load = async () => {
    try {
      const { items, total } = await appsApi.releases(name, { limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE });
      place.removeAttribute('aria-busy');
      fill(place, table(items, onOpen));
      pages.show(page, Math.max(1, Math.ceil(total / PAGE_SIZE)));
    } catch (error) {
      place.removeAttribute('aria-busy');
      fill(place, errorCard(/** @type {any} */ (error), { retry: () => void load() }));
    }
  };
  return { element: el('div', { class: 'releases' }, place, pages.element), load };
}

/**
 * @param {Release[]} releases
 * @param {(release: number) => void} onOpen
 */
function table(releases, onOpen) {
  const head = ['Release', 'Status', 'Commit', 'When', 'Took'].map((text) => el('th', { scope: 'col', text }));
  return el(
    'table',
    { class: 'releases__table' },
    el('caption', { class: 'visually-hidden', text: 'Releases, newest first' }),
    el('thead', {}, el('tr', {}, ...head)),
    el('tbody', {}, ...releases.map((release) => row(release, onOpen))),
  );
}

/**
 * @param {Release} release
 * @param {(release: number) => void} onOpen
 */
function row(release, onOpen) {
  const { number, is_live: isLive, trigger, branch, created_at: created, seconds, error } = release;
  const open = el('a', { class: 'releases__link numbers', href: `?release=${number}`, text: `#${number}` });
  open.setAttribute('aria-label', `Release ${number}: its steps and log`);
  open.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onOpen(number);
  });
  return el(
    'tr',
    { dataset: { release: String(number) } },
    el('th', { scope: 'row' }, open),
    el(
      'td',
      { class: 'releases__state' },
      badge(stateOf(release)),
      isLive && badge({ word: 'Serving', icon: 'circle-dot', tone: 'good' }),
      error && el('p', { class: 'releases__error', text: error.message }),
    ),
    el(
      'td',
      { class: 'releases__commit' },
      commitText(release) ?? el('span', { class: 'muted', text: '–' }),
      el('span', { class: 'releases__by' }, icon('git-branch'), `${branch ?? 'default'} · ${trigger}`),
    ),
    el('td', { class: 'releases__when' }, ago(created)),
    el('td', { class: 'releases__took numbers', text: seconds === null ? '–' : duration(seconds) }),
  );
}

/** @param {Release} release */
export function stateOf(release) {
  const { status, phase, error, steps } = release;
  return releaseState(/** @type {Deployment} */ (/** @type {unknown} */ ({ status, phase, error, steps })));
}
