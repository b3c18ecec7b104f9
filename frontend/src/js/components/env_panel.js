/** The variables of an app: masked, shown on demand, edited for the next deployment. */

/** @import { StoredEnvironment, StoredVariable } from '../types' */
import '../../css/parts/forms.css';
import { appsApi } from '../lib/apps_api.js';
import { el, fill } from '../lib/dom.js';
import { announce } from './announce.js';
import { EnvPart } from './env_part.js';
import { errorCard } from './error_card.js';
import { SaveBar } from './save_bar.js';
import { toast } from './toast.js';

/** @typedef {import('./env_part.js').Kind} Kind */
/** @typedef {import('./env_part.js').Change} Change */

const KINDS = /** @type {const} */ ([
  ['backend', 'While it runs', 'The running application sees these.'],
  [
    'frontend',
    'While it is built',
    'The build sees these; a web page may hold their values afterwards, so no secrets.',
  ],
]);

export class EnvPanel {
  /** @type {Map<Kind, EnvPart>} */
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
    this.element.addEventListener('keydown', (event) => this.#pressed(event));
    addEventListener('beforeunload', (event) => this.hasUnsaved && event.preventDefault());
  }

  get hasUnsaved() {
    return countOf(changesOf(this.#parts)) > 0;
  }

  /** Whether somebody looks at something here or changes it, so that it must stay as it is. */
  get #isInUse() {
    const isTouched = [...this.#parts.values()].some((part) => part.isTouched);
    return isTouched || this.hasUnsaved || this.place.contains(document.activeElement);
  }

  /** The same as the server has it now, unless somebody is at work here. */
  async refresh() {
    if (!this.#stored) return this.load();
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

  /**
   * @param {StoredEnvironment} environment
   * @param {{ keepsText?: boolean }} [how]
   */
  #show(environment, { keepsText = true } = {}) {
    this.#stored = environment;
    this.#revealed = null;
    const before = this.#parts;
    this.#parts = new Map(
      KINDS.map(([kind, title, hint]) => {
        const variables = environment.variables.filter((variable) => variable.kind === kind);
        const events = {
          ask: (/** @type {StoredVariable} */ variable) => this.#reveal(variable),
          onChange: () => this.#drawBar(),
        };
        return [kind, new EnvPart({ kind, title, hint, variables, before: before.get(kind), keepsText, ...events })];
      }),
    );
    this.place.removeAttribute('aria-busy');
    fill(this.place, ...[...this.#parts.values()].map((part) => part.element));
    this.#drawBar();
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
    if (this.#stored) this.#show(this.#stored, { keepsText: false });
    announce('The changes were taken back.');
  }

  /** @returns {Promise<boolean>} */
  async #save() {
    fill(this.problem);
    for (const part of this.#parts.values()) {
      if (part.isValid()) continue;
      part.focusFirstMistake();
      return false;
    }
    try {
      for (const change of changesOf(this.#parts)) await appsApi.changeEnvironment(this.name, change);
    } catch (error) {
      fill(this.problem, errorCard(/** @type {any} */ (error)));
      return false;
    }
    announce('The variables are saved. They apply at the next deployment.');
    await this.#again();
    return true;
  }

  /** Loads what is stored now, and leaves the focus in the text where it was. */
  async #again() {
    const [kind] = [...this.#parts].find(([, part]) => part.view.input === document.activeElement) ?? [];
    const caret = kind && this.#parts.get(kind)?.view.input.selectionStart;
    await this.load();
    const view = kind && this.#parts.get(kind)?.view;
    if (!view) return;
    view.focus();
    view.input.setSelectionRange(caret ?? 0, caret ?? 0);
  }

  /** Ctrl+S or Cmd+S saves. @param {KeyboardEvent} event */
  #pressed(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== 's') return;
    event.preventDefault();
    if (this.hasUnsaved) void this.bar.save();
  }
}

/**
 * What differs from what is stored, by kind.
 * @param {Map<Kind, EnvPart>} parts
 */
function changesOf(parts) {
  const changes = [...parts.values()].map((part) => part.change());
  return changes.filter(({ set, unset }) => unset.length || Object.keys(set).length);
}

/** @param {Change[]} changes */
function countOf(changes) {
  return changes.reduce((sum, { set, unset }) => sum + Object.keys(set).length + unset.length, 0);
}
