/** What would be done with a repository: each value with what it was found in, and what may surprise. */

/** @import { Plan } from '../types' */
import { el } from '../lib/dom.js';
import { shortSha } from '../lib/format.js';
import { icon } from './icon.js';

const NAMES = /** @type {Record<string, string>} */ ({
  nextjs: 'Next.js',
  fastapi: 'FastAPI',
  spa: 'Single-page app',
  node: 'Node.js',
  dotnet: '.NET',
  php: 'PHP',
  static: 'Static site',
  compose: 'Docker Compose',
  dockerfile: 'Dockerfile',
});
const ROWS = /** @type {const} */ ([
  ['language', 'Language'],
  ['package_manager', 'Packages'],
  ['install', 'Install'],
  ['build', 'Build'],
  ['start', 'Start'],
  ['main_service', 'Site'],
  ['services', 'Services'],
  ['port', 'Port'],
]);

/** @param {Plan} plan */
export function planView(plan) {
  const commands = new Set(['install', 'build', 'start']);
  const rows = ROWS.flatMap(([field, label]) => {
    const value = valueOf(plan, field);
    if (!value) return [];
    const shown = el(commands.has(field) ? 'code' : 'span', { class: 'plan__value', text: value });
    return el('div', { class: 'plan__row' }, el('dt', { text: label }), el('dd', {}, shown, ...sources(plan, field)));
  });
  return el(
    'div',
    { class: 'plan' },
    el(
      'p',
      { class: 'plan__title' },
      icon('package'),
      el('strong', { text: nameOf(plan) }),
      ...sources(plan, 'strategy'),
    ),
    el(
      'p',
      { class: 'small muted' },
      icon('git-branch'),
      ` ${plan.branch} at `,
      el('code', { text: shortSha(plan.commit) }),
    ),
    el('dl', { class: 'plan__rows' }, ...rows),
    ...plan.warnings.map(warning),
    plan.dockerfile && plan.dockerfile.includes('\n') && dockerfile(plan.dockerfile),
  );
}

/** @param {Plan} plan */
export function nameOf(plan) {
  const words = [plan.framework, plan.kind].map((word) => word && titleOf(word));
  return [...new Set(words.filter(Boolean))].join(' · ');
}

/** @param {string} word */
function titleOf(word) {
  return NAMES[word] ?? word[0].toUpperCase() + word.slice(1);
}

/**
 * @param {Plan} plan
 * @param {string} field
 */
function valueOf(plan, field) {
  const value = /** @type {any} */ (plan)[field];
  if (field === 'language') return [value && titleOf(value), plan.version].filter(Boolean).join(' ');
  if (Array.isArray(value)) return value.join(', ');
  return value === null || value === undefined ? '' : String(value);
}

/**
 * @param {Plan} plan
 * @param {string} field
 */
function sources(plan, field) {
  const wanted = field === 'language' ? ['language', 'version'] : [field];
  const found = plan.evidence.filter((one) => wanted.includes(one.field)).map(({ source }) => source);
  return found.length ? [el('span', { class: 'plan__source', text: [...new Set(found)].join(', ') })] : [];
}

/** @param {Record<string, string>} aside */
function warning({ message, remedy }) {
  return el(
    'div',
    { class: 'plan__warning' },
    icon('triangle-alert'),
    el('div', {}, el('p', { text: message }), remedy && el('p', { class: 'small', text: remedy })),
  );
}

/** @param {string} text */
function dockerfile(text) {
  return el(
    'details',
    { class: 'plan__file' },
    el('summary', { text: 'The Dockerfile that is written for it' }),
    el('pre', { tabindex: '0', text }),
  );
}
