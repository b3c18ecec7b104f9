/** How the server and its tools are: one row for each check of `/health`. */

/** @import { Check, Health } from '../types' */
import { api } from '../lib/api.js';
import { el, fill } from '../lib/dom.js';
import { errorCard } from './error_card.js';
import { icon } from './icon.js';

const REFRESH_MILLISECONDS = 60_000;
const NAMES = /** @type {Record<string, [string, string]>} */ ({
  docker: ['Docker', 'server'],
  compose: ['Docker Compose', 'boxes'],
  buildx: ['Docker Buildx', 'package'],
  git: ['Git', 'git-branch'],
  database: ['Database', 'database'],
  disk: ['Disk', 'hard-drive'],
  memory: ['Memory', 'memory-stick'],
});

/**
 * Keeps the health up to date in a place, as long as the page is seen.
 * @param {HTMLElement} place
 */
export function healthCard(place) {
  const load = async () => {
    try {
      fill(place, healthList(await api.health()));
    } catch (error) {
      fill(place, errorCard(/** @type {any} */ (error), { retry: load }));
    }
  };
  setInterval(() => document.visibilityState === 'visible' && load(), REFRESH_MILLISECONDS);
  return { load };
}

/** @param {Health} health */
function healthList({ status, version, checks }) {
  const text =
    status === 'ok' ? 'Everything that deployments need is there.' : 'Deployments may fail until this is put right.';
  const bad = Object.entries(checks).filter(([, check]) => !check.ok);
  return el(
    'div',
    { class: 'health' },
    el(
      'p',
      { class: 'health__sum', dataset: { tone: status === 'ok' ? 'good' : 'bad' } },
      icon(status === 'ok' ? 'circle-check' : 'circle-alert'),
      text,
    ),
    el(
      'ul',
      { class: 'health__list', role: 'list' },
      ...Object.entries(checks).map(([name, check]) => row(name, check)),
    ),
    ...bad.map(([, check]) => check.hint && el('p', { class: 'small', text: check.hint })),
    el('p', { class: 'small muted', text: `DevOps Butler ${version}` }),
  );
}

/**
 * @param {string} name
 * @param {Check} check
 */
function row(name, { ok, version, message }) {
  const [label, image] = NAMES[name] ?? [name, 'settings'];
  const state = ok ? (version ?? message) || 'well' : message || 'does not answer';
  return el(
    'li',
    { class: 'health__row', dataset: { tone: ok ? 'good' : 'bad' } },
    icon(image),
    el('span', { text: label }),
    el('span', { class: 'health__state', text: state }),
    icon(ok ? 'circle-check' : 'circle-x', 'health__mark'),
    el('span', { class: 'visually-hidden', text: ok ? 'well' : 'not well' }),
  );
}
