/** The preview in the deploy form: it runs the detection, and offers the folders of a repository that holds several. */

/** @import { ApiError } from '../lib/api.js' */
/** @import { Plan } from '../types' */
import { api } from '../lib/api.js';
import { el, fill } from '../lib/dom.js';
import { announce } from './announce.js';
import { errorCard } from './error_card.js';
import { icon } from './icon.js';
import { nameOf, planView } from './plan_view.js';

/**
 * @param {{ onFolder: (folder: string) => void, onPlan: (plan: Plan) => void }} events
 * @returns {{ element: HTMLElement, look(source: { git_url: string, branch: string, subdirectory: string }): Promise<void>, outdate(): void }}
 *   `outdate` says that what is shown belongs to what stood in the form before.
 */
export function previewPanel({ onFolder, onPlan }) {
  const element = el('section', { class: 'preview', 'aria-label': 'Preview', hidden: true });
  /** @type {AbortController | null} */
  let running = null;
  return {
    element,
    async look(source) {
      running?.abort();
      const control = (running = new AbortController());
      element.hidden = false;
      delete element.dataset.outdated;
      fill(
        element,
        el('p', { class: 'row' }, icon('loader-circle', 'icon--turning'), 'Cloning the repository and looking at it…'),
      );
      announce('Looking at the repository.');
      try {
        const plan = await api.plan(source, control.signal);
        fill(element, heading('What will be done'), planView(plan), folders(plan.candidates, onFolder));
        announce(`Found: ${nameOf(plan)}.`);
        onPlan(plan);
      } catch (error) {
        if (control.signal.aborted) return;
        const problem = /** @type {ApiError} */ (error);
        const candidates = problem.lines?.flatMap((line) => /^candidate: (.+)$/.exec(line)?.[1] ?? []) ?? [];
        fill(
          element,
          heading('It cannot be deployed like this'),
          errorCard(withoutCandidates(problem)),
          folders(candidates, onFolder),
        );
      }
    },
    outdate() {
      running?.abort();
      if (element.hidden || element.dataset.outdated) return;
      element.dataset.outdated = 'true';
      element.prepend(
        el('p', { class: 'preview__old' }, icon('history'), 'You changed the source since: preview again.'),
      );
    },
  };
}

/**
 * The same without the lines that become buttons.
 * @param {ApiError} problem
 */
function withoutCandidates({ message, hint, lines = [], traceId }) {
  return { message, hint, traceId, lines: lines.filter((line) => !/^(candidate|found): /.test(line)) };
}

/** @param {string} text */
function heading(text) {
  return el('h3', { text });
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
