/** The preview in the deploy form: what would be done, with every value open; folders where a repository holds several. */

/** @import { ApiError } from '../lib/api.js' */
/** @import { Overrides, Plan } from '../types' */
/** @import { Source } from './planner.js' */
import { el, fill } from '../lib/dom.js';
import { errorCard } from './error_card.js';
import { icon } from './icon.js';
import { Planner } from './planner.js';

export class PreviewPanel {
  /** The address that the overrides were given for. */
  #address = '';

  /** @param {{ onFolder(folder: string): void, onPlan(plan: Plan): void, onEdit(): void }} events */
  constructor({ onFolder, onPlan, onEdit }) {
    this.onFolder = onFolder;
    this.old = el('p', { class: 'preview__old', hidden: true }, icon('history'));
    this.old.append('You changed the source since: preview again.');
    this.heading = el('h3');
    this.problem = el('div', { class: 'stack' });
    this.folders = el('div');
    this.planner = new Planner({
      onPlan: (plan, isFirst) => this.#found(plan, isFirst),
      onChange: onEdit,
      onProblem: (error) => this.#failed(error),
    });
    this.onPlan = onPlan;
    const parts = [this.old, this.heading, this.problem, this.planner.element, this.folders];
    this.element = el('section', { class: 'preview', 'aria-label': 'Preview', hidden: true }, ...parts);
  }

  /** @param {Source} source */
  async look(source) {
    if (source.git_url !== this.#address) {
      this.planner.overrides = {};
      this.planner.forget();
      this.planner.view.element.hidden = true;
    }
    this.#address = source.git_url;
    this.element.hidden = false;
    this.old.hidden = true;
    delete this.element.dataset.outdated;
    this.#tell('What will be done');
    await this.planner.ask(source);
  }

  /** Says that what is shown belongs to what stood in the form before. */
  outdate() {
    this.planner.stop();
    if (this.element.hidden) return;
    this.element.dataset.outdated = 'true';
    this.old.hidden = false;
  }

  /**
   * What somebody gave for this repository.
   * @param {Source} source
   * @returns {Overrides}
   */
  overridesFor({ git_url: address }) {
    return address === this.#address ? this.planner.overrides : {};
  }

  /**
   * Shows a refusal of what was given, if it is one.
   * @param {ApiError} error
   */
  refuse(error) {
    return !this.element.hidden && !this.planner.view.element.hidden && this.planner.refuse(error);
  }

  /**
   * @param {Plan} plan
   * @param {boolean} isFirst
   */
  #found(plan, isFirst) {
    this.planner.view.element.hidden = false;
    this.#tell('What will be done', null, plan.candidates);
    if (isFirst) this.onPlan(plan);
  }

  /** @param {ApiError} error */
  #failed(error) {
    const candidates = error.lines?.flatMap((line) => /^candidate: (.+)$/.exec(line)?.[1] ?? []) ?? [];
    // What somebody gave stays in reach: it may be what it fails of.
    this.planner.view.element.hidden = !Object.keys(this.planner.overrides).length;
    this.#tell('It cannot be deployed like this', errorCard(withoutCandidates(error)), candidates);
  }

  /**
   * @param {string} heading
   * @param {HTMLElement | null} [problem]
   * @param {string[]} [candidates]
   */
  #tell(heading, problem = null, candidates = []) {
    this.heading.textContent = heading;
    fill(this.problem, problem);
    this.problem.hidden = !problem;
    fill(this.folders, folders(candidates, this.onFolder));
  }
}

/**
 * The same without the lines that become buttons.
 * @param {ApiError} problem
 */
function withoutCandidates({ message, hint, lines = [], traceId }) {
  return { message, hint, traceId, lines: lines.filter((line) => !/^(candidate|found): /.test(line)) };
}

/**
 * Buttons for folders that can be deployed on their own; a candidate is `api/ (fastapi)`.
 * @param {string[]} candidates
 * @param {(folder: string) => void} onFolder
 */
function folders(candidates, onFolder) {
  if (!candidates.length) return null;
  const buttons = candidates.map((candidate) => {
    const folder = candidate.replace(/\s*\(.*\)$/, '').replace(/\/+$/, '');
    return el(
      'button',
      { class: 'button', type: 'button', on: { click: () => onFolder(folder) } },
      icon('folder'),
      candidate,
    );
  });
  return el(
    'div',
    { class: 'stack' },
    el('p', { class: 'small', text: 'Deploy a folder of it instead:' }),
    el('div', { class: 'row' }, ...buttons),
  );
}
