/** The variables of an app: masked, shown on demand, edited for the next deployment. */

/** @import { StoredEnvironment, StoredVariable } from '../types' */
import { appsApi } from '../lib/apps_api.js';
import { el, fill } from '../lib/dom.js';
import { announce } from './announce.js';
import { envEditor } from './env_editor.js';
import { StoredRow } from './env_stored_row.js';
import { errorCard } from './error_card.js';
import { SaveBar } from './save_bar.js';
import { toast } from './toast.js';

/** @typedef {StoredVariable['kind']} Kind */
/** @typedef {{ rows: StoredRow[], editor: ReturnType<typeof envEditor> }} Part */
/** @typedef {{ kind: Kind, set: Record<string, string>, unset: string[] }} Change */

const KINDS = /** @type {const} */ ([
  ['backend', 'While it runs', 'The running application sees these.'],
  [
    'frontend',
    'While it is built',
    'The build sees these; a web page may hold their values afterwards, so no secrets.',
  ],
]);

export class EnvPanel {
  /** @type {Map<Kind, Part>} */
  #parts = new Map();
  /** @type {StoredEnvironment | null} */
  #stored = null;
  /** Asked for once, however many values are looked at. @type {Promise<StoredEnvironment> | null} */
  #revealed = null;

  /** @param {{ name: string, onDeploy(): Promise<unknown> }} what */
  constructor({ name, onDeploy }) {
    this.name = name;
    const waiting = el('div', { class: 'skeleton skeleton--block' });
    this.place = el('div', { class: 'stack stack--wide', 'aria-busy': 'true' }, waiting);
    this.problem = el('div');
    this.bar = new SaveBar({
      label: 'Changes of the environment',
      onSave: () => this.#save(),
      onReset: () => this.#reset(),
      onDeploy,
    });
    this.element = el('div', { class: 'stack stack--wide' }, this.place, this.problem, this.bar.element);
    addEventListener('beforeunload', (event) => this.hasUnsaved && event.preventDefault());
  }

  get hasUnsaved() {
    return countOf(changesOf(this.#parts)) > 0;
  }

  /** Whether somebody looks at something here or changes it, so that it must stay as it is. */
  get #isInUse() {
    const isTouched = [...this.#parts.values()].some(({ rows }) => rows.some((row) => row.isTouched));
    return isTouched || this.hasUnsaved || this.place.contains(document.activeElement);
  }

  /** The same as the server has it now, unless somebody is at work here. */
  async refresh() {
    if (this.#isInUse) return;
    const stored = await appsApi.environment(this.name).catch(() => null);
    // Somebody may have begun while the answer was on its way.
    if (stored && !this.#isInUse) await this.#present(stored);
  }

  async load() {
    try {
      await this.#present(await appsApi.environment(this.name));
    } catch (error) {
      this.place.removeAttribute('aria-busy');
      fill(this.place, errorCard(/** @type {any} */ (error), { retry: () => void this.load() }));
    }
  }

  /** @param {StoredEnvironment} stored */
  async #present(stored) {
    this.#show(stored);
    const example = await appsApi.environmentExample(this.name).catch(() => null);
    const missing = example?.variables.filter((one) => !one.is_set) ?? [];
    if (missing.length) this.#parts.get('backend')?.editor.offer(missing);
  }

  /** @param {StoredEnvironment} environment */
  #show(environment) {
    this.#stored = environment;
    this.#revealed = null;
    this.#parts = new Map(KINDS.map(([kind]) => [kind, this.#part(environment, kind)]));
    this.place.removeAttribute('aria-busy');
    fill(
      this.place,
      ...KINDS.map(([kind, title, hint]) => section(/** @type {Part} */ (this.#parts.get(kind)), title, hint)),
    );
    this.#drawBar();
  }

  /**
   * @param {StoredEnvironment} environment
   * @param {Kind} kind
   * @returns {Part}
   */
  #part({ variables }, kind) {
    const onChange = () => this.#drawBar();
    const rows = variables
      .filter((variable) => variable.kind === kind)
      .map((variable) => new StoredRow(variable, { reveal: () => this.#reveal(variable), onChange }));
    return { rows, editor: envEditor({ legend: 'Add or replace', onChange }) };
  }

  /** @param {StoredVariable} variable */
  async #reveal({ kind, name }) {
    this.#revealed ??= appsApi.environment(this.name, { isRevealed: true });
    try {
      const { variables } = await this.#revealed;
      return variables.find((one) => one.kind === kind && one.name === name)?.value ?? null;
    } catch (error) {
      this.#revealed = null;
      toast(`The value could not be shown: ${/** @type {Error} */ (error).message}`, { tone: 'bad' });
      return null;
    }
  }

  #drawBar() {
    this.bar.show(countOf(changesOf(this.#parts)), Boolean(this.#stored?.pending));
  }

  #reset() {
    fill(this.problem);
    if (this.#stored) this.#show(this.#stored);
    announce('The changes were taken back.');
  }

  /** @returns {Promise<boolean>} */
  async #save() {
    fill(this.problem);
    for (const { editor } of this.#parts.values()) {
      if (editor.isValid()) continue;
      editor.focusFirstMistake();
      return false;
    }
    try {
      for (const change of changesOf(this.#parts)) await appsApi.changeEnvironment(this.name, change);
    } catch (error) {
      fill(this.problem, errorCard(/** @type {any} */ (error)));
      return false;
    }
    announce('The variables are saved. They apply at the next deployment.');
    await this.load();
    return true;
  }
}

/**
 * @param {Part} part
 * @param {string} title
 * @param {string} hint
 */
function section({ rows, editor }, title, hint) {
  const list = el('ul', { class: 'vars', role: 'list' }, ...rows.map((row) => row.element));
  return el(
    'section',
    { class: 'card stack', 'aria-label': title },
    el('div', {}, el('h2', { text: title }), el('p', { class: 'muted small', text: hint })),
    rows.length ? list : el('p', { class: 'muted small', text: 'None is set.' }),
    editor.element,
  );
}

/**
 * What differs from what is stored, by kind; what was typed into the rows counts beside what is new.
 * @param {Map<Kind, Part>} parts
 * @returns {Change[]}
 */
function changesOf(parts) {
  return [...parts].flatMap(([kind, { rows, editor }]) => {
    /** @type {Change} */
    const change = { kind, set: {}, unset: [] };
    for (const row of rows) {
      const edit = row.edit();
      if (edit?.isRemoved) change.unset.push(row.variable.name);
      else if (edit?.set !== undefined) change.set[row.variable.name] = edit.set;
    }
    for (const { name, value } of editor.variables()) change.set[name] = value;
    change.unset = change.unset.filter((name) => !(name in change.set));
    return change.unset.length || Object.keys(change.set).length ? [change] : [];
  });
}

/** @param {Change[]} changes */
function countOf(changes) {
  return changes.reduce((sum, { set, unset }) => sum + Object.keys(set).length + unset.length, 0);
}
