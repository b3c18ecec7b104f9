/** How an app is built and run where somebody wants it otherwise than it is found: edited for the next deployment. */

/** @import { ApiError } from '../lib/api.js' */
/** @import { Deployment, StoredOverrides } from '../types' */
import '../../css/parts/forms.css';
import { appsApi } from '../lib/apps_api.js';
import { el, fill } from '../lib/dom.js';
import { keysOf, valueAt, withValue } from '../lib/overrides.js';
import { announce } from './announce.js';
import { busyWhile } from './dialog.js';
import { errorCard } from './error_card.js';
import { icon } from './icon.js';
import { ROW_KEYS } from './plan_view.js';
import { Planner } from './planner.js';
import { SaveBar } from './save_bar.js';

const HINT =
  'Values of yours beat butler.yml, which beats what is found in the repository. They apply at the next deployment.';
const OF_COMPOSE = ['build.builder', 'run.service', 'run.port', 'healthcheck.path'];

export class BuildCard {
  /** @type {StoredOverrides | null} */
  #stored = null;

  /** @param {{ name: string, onDeploy(): Promise<unknown>, app(): Deployment | null }} what `app` is how it is now */
  constructor({ name, onDeploy, app }) {
    this.name = name;
    this.app = app;
    this.planner = new Planner({
      onProblem: (error) => this.#failed(error),
      onPlan: () => fill(this.problem),
      onChange: () => this.#draw(),
      how: () => ({ keys: this.#keys(), live: this.#stored?.release ? this.#stored.live : undefined }),
    });
    this.problem = el('div');
    this.others = el('ul', { class: 'vars', role: 'list', hidden: true });
    this.look = el('button', { class: 'button button--small', type: 'button' }, icon('eye'), 'Look at the repository');
    this.look.addEventListener('click', () => busyWhile(this.look, () => this.#ask()));
    this.place = el('div', { class: 'stack', 'aria-busy': 'true' }, el('div', { class: 'skeleton skeleton--block' }));
    this.bar = new SaveBar({
      label: 'Changes of build and run',
      onSave: () => this.#save(),
      onReset: () => this.#reset(),
      onDeploy,
    });
    this.element = this.#card();
    addEventListener('beforeunload', (event) => this.hasUnsaved && event.preventDefault());
  }

  get hasUnsaved() {
    return this.#changes().length > 0;
  }

  /** The same as the server has it now, unless somebody is at work here. */
  async refresh() {
    if (this.hasUnsaved || this.place.contains(document.activeElement)) return;
    try {
      const stored = await appsApi.overrides(this.name);
      if (!this.hasUnsaved) this.#take(stored);
    } catch (error) {
      if (this.#stored) return;
      this.place.removeAttribute('aria-busy');
      fill(this.place, errorCard(/** @type {ApiError} */ (error), { retry: () => void this.refresh() }));
    }
  }

  #card() {
    return el(
      'div',
      { class: 'stack stack--wide' },
      el(
        'section',
        { class: 'card stack build', 'aria-label': 'Build and run' },
        el(
          'div',
          {},
          el('div', { class: 'card__head card__head--tight' }, el('h2', { text: 'Build and run' }), this.look),
          el('p', { class: 'muted small', text: HINT }),
        ),
        this.place,
        this.problem,
      ),
      this.bar.element,
    );
  }

  /** @param {StoredOverrides} stored */
  #take(stored) {
    const isFirst = !this.#stored;
    this.#stored = stored;
    this.planner.overrides = stored.overrides ?? {};
    if (isFirst) {
      fill(this.place, this.planner.element, this.others);
      this.place.removeAttribute('aria-busy');
      this.planner.view.more.open = keysOf(stored.overrides).some((key) =>
        /^(release|healthcheck|resources)/.test(key),
      );
    }
    this.planner.show();
    this.#draw();
  }

  /** @returns {readonly string[]} what may be given before the repository was looked at */
  #keys() {
    return this.app()?.strategy === 'compose' ? OF_COMPOSE : ROW_KEYS.filter((key) => key !== 'run.service');
  }

  #changes() {
    const [before, now] = [this.#stored?.overrides ?? {}, this.planner.overrides];
    const keys = new Set([...keysOf(before), ...keysOf(now)]);
    return [...keys].filter((key) => valueAt(before, key) !== valueAt(now, key));
  }

  /** The bar, and the values that have no row. */
  #draw() {
    this.bar.show(this.#changes().length, Boolean(this.#stored?.pending));
    const others = keysOf(this.planner.overrides).filter((key) => !ROW_KEYS.includes(key));
    this.others.hidden = !others.length;
    fill(this.others, ...others.map((key) => this.#other(key)));
  }

  /** @param {string} key */
  #other(key) {
    const label = `Take back: ${key}`;
    const remove = el(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': label, title: label },
      icon('trash-2'),
    );
    remove.addEventListener('click', () => {
      this.planner.overrides = withValue(this.planner.overrides, key, '');
      this.#draw();
      this.look.focus();
      announce(`${key} was taken back.`);
    });
    return el(
      'li',
      { class: 'var' },
      el('code', { class: 'var__name', text: key }),
      el('code', { class: 'var__value', text: valueAt(this.planner.overrides, key) }),
      el('span', { class: 'var__deeds' }, remove),
    );
  }

  async #ask() {
    const app = this.app();
    if (!app) return;
    fill(this.problem);
    await this.planner.ask({ git_url: app.git_url, branch: app.branch ?? '', subdirectory: app.subdirectory ?? '' });
  }

  #reset() {
    fill(this.problem);
    this.planner.stop();
    this.planner.overrides = this.#stored?.overrides ?? {};
    this.planner.reset();
    this.#draw();
    announce('The changes were taken back.');
  }

  async #save() {
    fill(this.problem);
    try {
      this.#take(await appsApi.storeOverrides(this.name, this.planner.overrides));
    } catch (error) {
      this.#failed(/** @type {ApiError} */ (error));
      return false;
    }
    announce('The values are saved. They apply at the next deployment.');
    return true;
  }

  /** @param {ApiError} error */
  #failed(error) {
    if (!this.planner.refuse(error)) fill(this.problem, errorCard(error));
  }
}
