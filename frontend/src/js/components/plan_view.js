/** What would be done with a repository: each value with what it was found in, open to another; and what may surprise. */

/** @import { Overrides, Plan } from '../types' */
/** @import { Field, Standing } from './plan_row.js' */
import { el, fill } from '../lib/dom.js';
import { shortSha } from '../lib/format.js';
import { isOverridable, valueAt } from '../lib/overrides.js';
import { icon } from './icon.js';
import { PlanRow } from './plan_row.js';

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
/** The builders that `build.builder` knows; `tests/test_docs.py` compares them with the strategies. */
export const BUILDERS =
  'bun compose deno django dockerfile dotnet elixir fastapi flask generator go java jekyll nextjs node php python ruby rust shell spa static'.split(
    ' ',
  );
const MANAGERS = ['npm', 'pnpm', 'yarn', 'bun', 'pip', 'uv', 'poetry', 'pipenv', 'pdm'];

/** @typedef {Field & { of(plan: Plan): unknown, evidence: string[], isLater?: boolean }} PlanField */
/** @type {PlanField[]} */
const FIELDS = [
  { label: 'Kind', key: 'build.builder', of: (plan) => plan.strategy, evidence: ['strategy'], choices: BUILDERS },
  { label: 'Version', key: 'build.version', of: (plan) => plan.version, evidence: ['language', 'version'] },
  {
    label: 'Packages',
    key: 'build.package_manager',
    of: (plan) => plan.package_manager,
    evidence: ['package_manager'],
    choices: MANAGERS,
  },
  { label: 'Install', key: 'build.install', of: (plan) => plan.install, evidence: ['install'], isCode: true },
  { label: 'Build', key: 'build.command', of: (plan) => plan.build, evidence: ['build'], isCode: true },
  { label: 'Output folder', key: 'build.output', of: (plan) => plan.output, evidence: ['output'], isCode: true },
  { label: 'Start', key: 'run.command', of: (plan) => plan.start, evidence: ['start', 'command'], isCode: true },
  { label: 'Main service', key: 'run.service', of: (plan) => plan.main_service, evidence: ['main_service'] },
  { label: 'Services', of: (plan) => plan.services, evidence: ['services'] },
  { label: 'Port', key: 'run.port', of: (plan) => plan.port, evidence: ['port'], isNumber: true },
  { label: 'Dockerfile', key: 'build.dockerfile', of: ownDockerfile, evidence: ['dockerfile'], isCode: true },
  {
    label: 'Release command',
    key: 'release',
    of: (plan) => plan.release,
    evidence: ['release'],
    isCode: true,
    isLater: true,
  },
  {
    label: 'Health path',
    key: 'healthcheck.path',
    of: (plan) => plan.healthcheck?.path,
    evidence: ['healthcheck'],
    isCode: true,
    isLater: true,
  },
  {
    label: 'Memory',
    key: 'resources.memory',
    of: (plan) => plan.resources?.memory,
    evidence: ['memory'],
    isLater: true,
  },
  {
    label: 'Processors',
    key: 'resources.cpus',
    of: (plan) => plan.resources?.cpus,
    evidence: ['cpus'],
    isNumber: true,
    isLater: true,
  },
];

/** The keys that have a row. */
export const ROW_KEYS = FIELDS.flatMap(({ key }) => key ?? []);

/** @param {string} key */
export const labelOf = (key) => FIELDS.find((field) => field.key === key)?.label ?? key;

export class PlanView {
  /** @type {{ field: PlanField, row: PlanRow }[]} */
  #rows;

  /** @param {{ onChange(key: string, text: string): void }} events */
  constructor({ onChange }) {
    this.#rows = FIELDS.map((field) => ({
      field,
      row: new PlanRow(field, { onChange: (text) => onChange(field.key ?? '', text) }),
    }));
    const rows = (/** @type {boolean} */ isLater) =>
      this.#rows.filter(({ field }) => Boolean(field.isLater) === isLater).map(({ row }) => row.element);
    this.head = el('div', { class: 'plan__head' });
    this.more = el(
      'details',
      { class: 'plan__more' },
      el('summary', { text: 'More settings' }),
      el('dl', { class: 'plan__rows' }, ...rows(true)),
    );
    this.warnings = el('div', { class: 'stack' });
    this.file = dockerfileView();
    const list = el('dl', { class: 'plan__rows' }, ...rows(false));
    this.element = el('div', { class: 'plan' }, this.head, list, this.more, this.warnings, this.file.element);
  }

  /**
   * @param {Plan | null} plan null where the repository was not looked at: then only what somebody gave is known
   * @param {Overrides} overrides
   * @param {{ keys?: readonly string[], live?: Overrides | null }} [how] `keys` can be given without a plan; what differs
   *   from `live` waits for the next deployment
   */
  show(plan, overrides, { keys = ROW_KEYS, live } = {}) {
    for (const { field, row } of this.#rows) row.show(standingOf(field, plan, overrides, keys, live));
    fill(this.head, ...(plan ? head(plan) : []));
    fill(this.warnings, ...(plan?.warnings ?? []).map(warning));
    this.warnings.hidden = !plan?.warnings.length;
    this.file.show(plan?.dockerfile?.includes('\n') ? plan.dockerfile : '');
    const later = this.#rows.filter(({ field }) => field.isLater);
    this.more.hidden = later.every(({ row }) => row.element.hidden);
  }

  /**
   * Puts refusals at their rows.
   * @param {Map<string, string>} refused by key
   * @returns {{ isWhole: boolean, isHeard: boolean }} whether each has a row, and whether the focus is in one of them
   */
  refuse(refused) {
    const left = new Set(refused.keys());
    let isHeard = false;
    for (const { field, row } of this.#rows) {
      const problem = field.key && refused.get(field.key);
      if (!problem) continue;
      if (field.isLater) this.more.open = true;
      isHeard = row.refuse(problem) || isHeard;
      left.delete(field.key ?? '');
    }
    return { isWhole: left.size === 0, isHeard };
  }

  /** Closes the inputs. */
  close() {
    for (const { row } of this.#rows) row.close();
  }

  /** How a value reads now. @param {string} key @param {Plan} plan */
  wordsOf(key, plan) {
    const field = FIELDS.find((one) => one.key === key);
    return field ? shownOf(field, plan) : '';
  }
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

/** @param {Plan} plan */
function head(plan) {
  return [
    el('p', { class: 'plan__title' }, icon('package'), el('strong', { text: nameOf(plan) })),
    el(
      'p',
      { class: 'small muted' },
      icon('git-branch'),
      ` ${plan.branch} at `,
      el('code', { text: shortSha(plan.commit) }),
    ),
  ];
}

/**
 * @param {PlanField} field
 * @param {Plan | null} plan
 * @param {Overrides} overrides
 * @param {readonly string[]} keys
 * @param {Overrides | null} [live]
 * @returns {Standing}
 */
function standingOf(field, plan, overrides, keys, live) {
  const { key = '' } = field;
  const given = key && valueAt(overrides, key);
  const isPending = live !== undefined && key !== '' && given !== valueAt(live, key);
  if (!plan) {
    const shown = given || (key ? 'as it is found' : '');
    return {
      value: given,
      shown: keys.includes(key) || given ? shown : '',
      note: '',
      isYours: given !== '',
      isEditable: keys.includes(key),
      isPending,
    };
  }
  const isEditable = key !== '' && isOverridable(plan, key);
  return {
    value: given || textOf(field.of(plan)),
    shown: shownOf(field, plan, given),
    note: noteOf(field, plan, isEditable),
    isYours: given !== '',
    isEditable,
    isPending,
    choices: key === 'run.service' ? plan.services : undefined,
  };
}

/**
 * @param {PlanField} field
 * @param {Plan} plan
 * @param {string} [given] what somebody wants it to be
 */
function shownOf(field, plan, given = '') {
  const value = given || textOf(field.of(plan));
  if (field.key === 'build.builder') return value && titleOf(value);
  if (field.key === 'build.version') return [plan.language && titleOf(plan.language), value].filter(Boolean).join(' ');
  return value;
}

/** @param {unknown} value */
function textOf(value) {
  if (Array.isArray(value)) return value.join(', ');
  return value === null || value === undefined ? '' : String(value);
}

/** The Dockerfile of the repository; one that is written for it has no name. @param {Plan} plan */
function ownDockerfile({ dockerfile }) {
  return dockerfile?.includes('\n') ? '' : dockerfile;
}

/**
 * Where a value was found, and where it is changed where it cannot be here.
 * @param {PlanField} field
 * @param {Plan} plan
 * @param {boolean} isEditable
 */
function noteOf(field, plan, isEditable) {
  const found = plan.evidence.filter((one) => field.evidence.includes(one.field)).map(({ source }) => source);
  const sources = [...new Set(found)].join(', ');
  if (isEditable || !plan.overridable || !textOf(field.of(plan))) return sources;
  return [sources, placeOfChange(plan)].filter(Boolean).join(' · ');
}

/** @param {Plan} plan */
function placeOfChange({ kind, parts = [], dockerfile }) {
  if (kind === 'compose') return 'change it in the Compose file';
  if (parts.length) return 'change it in the butler.yml of its folder';
  return kind === 'dockerfile' && dockerfile ? 'change it in the Dockerfile' : '';
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

function dockerfileView() {
  const text = el('pre', { tabindex: '0' });
  const element = el(
    'details',
    { class: 'plan__file' },
    el('summary', { text: 'The Dockerfile that is written for it' }),
    text,
  );
  return {
    element,
    show(/** @type {string} */ file) {
      element.hidden = !file;
      text.textContent = file;
    },
  };
}
