/** How the server and its tools are: its disk and memory, and one row for each check of `/health`. */

/** @import { Check, Health, Host } from '../types' */
import { api } from '../lib/api.js';
import { el, fill } from '../lib/dom.js';
import { bytes, plural } from '../lib/format.js';
import { errorCard } from './error_card.js';
import { icon } from './icon.js';

const REFRESH_MILLISECONDS = 60_000;
const SVG = 'http://www.w3.org/2000/svg';
const NAMES = /** @type {Record<string, [string, string]>} */ ({
  docker: ['Docker', 'server'],
  compose: ['Docker Compose', 'boxes'],
  buildx: ['Docker Buildx', 'package'],
  git: ['Git', 'git-branch'],
  database: ['Database', 'database'],
});

/**
 * Keeps the health up to date in a place, as long as the page is seen.
 * @param {HTMLElement} place
 */
export function healthCard(place) {
  const load = async () => {
    try {
      const [health, host] = await Promise.all([api.health(), api.host().catch(() => null)]);
      fill(place, healthList(health, host));
    } catch (error) {
      fill(place, errorCard(/** @type {any} */ (error), { retry: load }));
    }
  };
  setInterval(() => document.visibilityState === 'visible' && load(), REFRESH_MILLISECONDS);
  return { load };
}

/**
 * @param {Health} health
 * @param {Host | null} host
 */
function healthList({ status, version, checks }, host) {
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
    host && resources(host),
    el('p', { class: 'small muted', text: `DevOps Butler ${version}${host ? `, ${busyness(host)}` : ''}` }),
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

/** @param {Host} host */
function resources({ disk, memory }) {
  const hint = `Below ${bytes(disk.needed_bytes)} of free disk, nothing is deployed.`;
  return el(
    'div',
    { class: 'health__meters' },
    meter('hard-drive', 'Disk', disk.free_bytes, disk.total_bytes, disk.ok ? '' : hint),
    memory && meter('memory-stick', 'Memory', memory.available_bytes, memory.total_bytes),
  );
}

/**
 * @param {string} image
 * @param {string} label
 * @param {number} free
 * @param {number} total
 * @param {string} [problem]
 */
function meter(image, label, free, total, problem = '') {
  const used = total - free;
  const text = `${bytes(free)} free of ${bytes(total)}`;
  return el(
    'div',
    { class: 'health__meter' },
    el(
      'p',
      { class: 'health__row' },
      icon(image),
      el('span', { text: label }),
      el('span', { class: 'health__state', text }),
    ),
    bar(used / total, problem ? 'bad' : 'good'),
    problem && el('p', { class: 'field__error' }, icon('triangle-alert'), problem),
  );
}

/** @param {Host} host */
function busyness({ containers, deployments_in_progress: count }) {
  const parts = [
    containers && `${plural(containers.running, 'container')} running`,
    count > 0 && `${plural(count, 'deployment')} under way`,
  ];
  return parts.filter(Boolean).join(', ');
}

/**
 * A bar beside words that say the same; a width set by attributes, since inline styles are not allowed.
 * @param {number} share
 * @param {'good' | 'bad'} tone
 */
function bar(share, tone) {
  const svg = document.createElementNS(SVG, 'svg');
  const rect = document.createElementNS(SVG, 'rect');
  for (const [name, value] of Object.entries({
    viewBox: '0 0 100 1',
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  }))
    svg.setAttribute(name, value);
  for (const [name, value] of Object.entries({ width: String(Math.min(100, Math.max(1, share * 100))), height: '1' }))
    rect.setAttribute(name, value);
  svg.setAttribute('class', 'health__bar');
  svg.dataset.tone = tone;
  svg.append(rect);
  return svg;
}
