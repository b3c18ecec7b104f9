/** Asks what would be done with a repository, and asks again when somebody wants a value otherwise. */

/** @import { ApiError } from '../lib/api.js' */
/** @import { Overrides, Plan } from '../types' */
import '../../css/parts/forms.css';
import { api } from '../lib/api.js';
import { debounce, el, fill } from '../lib/dom.js';
import { refusals, withValue } from '../lib/overrides.js';
import { announce } from './announce.js';
import { icon } from './icon.js';
import { PlanView, labelOf, nameOf } from './plan_view.js';

const QUIET_MILLISECONDS = 350;

/** @typedef {{ git_url: string, branch: string, subdirectory: string }} Source */

export class Planner {
  /** @type {Overrides} */
  overrides = {};
  /** What was found last. @type {Plan | null} */
  plan = null;
  /** What that was asked about. @type {Source | null} */
  source = null;
  /** @type {AbortController | null} */
  #running = null;
  /** Changes where what is due is no longer wanted. */
  #due = 0;
  /** The keys that were changed since the last answer. @type {Set<string>} */
  #changed = new Set();

  /**
   * @param {{
   *   onProblem(error: ApiError): void, onPlan(plan: Plan, isFirst: boolean): void, onChange?(): void,
   *   how?(): { keys?: readonly string[], live?: Overrides | null },
   * }} events `onProblem` hears of what has no row; `isFirst` says that it is no answer to a changed value
   */
  constructor({ onProblem, onPlan, onChange, how = () => ({}) }) {
    this.onProblem = onProblem;
    this.onPlan = onPlan;
    this.onChange = onChange;
    this.how = how;
    this.view = new PlanView({ onChange: (key, text) => this.#change(key, text) });
    this.status = el('p', { class: 'row plan__status', hidden: true });
    this.element = el('div', { class: 'stack' }, this.status, this.view.element);
    this.again = debounce((/** @type {number} */ due) => {
      if (this.source && due === this.#due) void this.ask(this.source);
    }, QUIET_MILLISECONDS);
  }

  /** Draws the rows anew. */
  show() {
    this.view.show(this.plan, this.overrides, this.how());
  }

  /** Forgets the plan and what is under way; the overrides stay. */
  forget() {
    this.stop();
    this.plan = this.source = null;
    this.show();
  }

  /** Leaves what is under way, and does not begin what is due. */
  stop() {
    this.#running?.abort();
    this.#due += 1;
    this.#busy('');
  }

  /** Draws the rows anew, those that are being edited too; the plan is asked for again where there is one. */
  reset() {
    this.view.close();
    this.show();
    if (this.source) void this.ask(this.source);
  }

  /**
   * @param {Source} source
   * @returns {Promise<boolean>} whether there is a plan; a question that another one overtook gives false
   */
  async ask(source) {
    this.#running?.abort();
    const control = (this.#running = new AbortController());
    const isFirst = this.source !== source || !this.plan;
    this.source = source;
    this.#busy(this.plan ? 'Looking again…' : 'Cloning the repository and looking at it…');
    if (isFirst) announce('Looking at the repository.');
    try {
      const overrides = Object.keys(this.overrides).length ? this.overrides : undefined;
      this.plan = await api.plan({ ...source, overrides }, control.signal);
    } catch (error) {
      if (!control.signal.aborted) this.#failed(/** @type {ApiError} */ (error));
      return false;
    }
    this.#busy('');
    this.show();
    announce(this.#news(this.plan));
    this.#changed.clear();
    this.onPlan(this.plan, isFirst);
    return true;
  }

  /**
   * Puts a refusal at the rows that it is about; gives whether that is all that it is about.
   * @param {ApiError} error
   */
  refuse(error) {
    const refused = refusals(error);
    if (!refused.size) return false;
    this.view.element.hidden = false;
    const { isWhole, isHeard } = this.view.refuse(refused);
    if (!isHeard) announce([...refused].map(([key, problem]) => `${labelOf(key)}: ${problem}`).join(' '));
    return isWhole;
  }

  /**
   * @param {string} key
   * @param {string} text
   */
  #change(key, text) {
    this.overrides = withValue(this.overrides, key, text);
    this.#changed.add(key);
    this.onChange?.();
    if (!this.source) return this.show();
    this.#running?.abort();
    this.#busy('Looking again…');
    this.again(this.#due);
  }

  /** @param {ApiError} error */
  #failed(error) {
    this.#busy('');
    this.show();
    if (!this.refuse(error)) this.onProblem(error);
  }

  /** @param {string} text what is under way; empty where nothing is */
  #busy(text) {
    this.status.hidden = !text;
    if (text) fill(this.status, icon('loader-circle', 'icon--turning'), text);
    this.element.setAttribute('aria-busy', String(Boolean(text)));
  }

  /** @param {Plan} plan */
  #news(plan) {
    const values = [...this.#changed].map((key) => `${labelOf(key)} is ${this.view.wordsOf(key, plan) || 'not set'}.`);
    return values.length ? `The plan is up to date. ${values.join(' ')}` : `Found: ${nameOf(plan)}.`;
  }
}
