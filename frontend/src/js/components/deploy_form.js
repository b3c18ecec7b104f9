/** The form that turns the address of a repository into a deployment, with a preview of what would be done. */

/** @import { ApiError } from '../lib/api.js' */
/** @import { Deployed } from '../types' */
/** @import { SourceFields } from './source_fields.js' */
import { api } from '../lib/api.js';
import { el, fill } from '../lib/dom.js';
import { busyWhile } from './dialog.js';
import { envEditor } from './env_editor.js';
import { errorCard } from './error_card.js';
import { icon } from './icon.js';
import { previewPanel } from './preview_panel.js';
import { sourceFields } from './source_fields.js';

/**
 * @param {{ onDeployed: (deployed: Deployed) => void, address?: string, branch?: string, subdirectory?: string }} how
 * @returns {{ element: HTMLElement, focus(): void }}
 */
export function deployForm({ onDeployed, address = '', branch = '', subdirectory = '' }) {
  const source = sourceFields({ onEdit: () => panel.outdate() });
  const backend = envEditor({
    legend: 'When it runs',
    hint: 'For the running app, such as SECRET_KEY or DATABASE_URL.',
  });
  const frontend = envEditor({
    legend: 'When it is built',
    hint: 'For the build only, such as VITE_API_URL or NEXT_PUBLIC_…',
  });
  const preview = el('button', { class: 'button button--large', type: 'button' }, icon('eye'), 'Preview');
  const submit = el(
    'button',
    { class: 'button button--primary button--large', type: 'submit' },
    icon('rocket'),
    'Deploy',
  );
  const variables = environment(backend, frontend);
  const problem = el('div', { class: 'deploy__problem' });
  const panel = previewPanel({
    onFolder(folder) {
      source.subdirectory.input.value = folder;
      look();
    },
    onPlan(plan) {
      backend.offer(plan.variables ?? []);
      if (plan.variables?.length) variables.open = true;
    },
  });
  const element = el(
    'form',
    { class: 'deploy stack stack--wide', novalidate: true, 'aria-label': 'Deploy a repository' },
    source.element,
    variables,
    panel.element,
    problem,
    el('div', { class: 'deploy__deeds' }, submit, preview),
    el('p', {
      class: 'field__hint',
      text: 'The preview clones the repository and tells what would be done and why. Nothing is built for it.',
    }),
  );

  const look = () =>
    busyWhile(preview, async () => {
      if (!source.isValid()) return;
      fill(problem);
      await panel.look(source.values());
    });
  const deploy = async () => {
    fill(problem);
    const areValid = [source.isValid(), backend.isValid(), frontend.isValid()];
    if (areValid.includes(false)) return focusFirst(element);
    try {
      const wish = { ...source.values(), backend_env: backend.text(), frontend_env: frontend.text() };
      onDeployed(await api.deploy(wish));
      // The page is being left: a second click must not start a second app.
      await new Promise(() => {});
    } catch (error) {
      showError(/** @type {ApiError} */ (error), source, problem);
    }
  };

  preview.addEventListener('click', look);
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    busyWhile(submit, deploy);
  });
  source.set({ url: address, branch, subdirectory });
  return { element, focus: () => source.address.input.focus() };
}

/**
 * @param {import('./env_editor.js').EnvEditor} backend
 * @param {import('./env_editor.js').EnvEditor} frontend
 */
function environment(backend, frontend) {
  return el(
    'details',
    { class: 'deploy__env' },
    el(
      'summary',
      {},
      icon('key-round'),
      'Environment variables',
      el('span', { class: 'field__optional', text: 'optional' }),
    ),
    el('div', { class: 'deploy__envs' }, backend.element, frontend.element),
  );
}

/**
 * Puts a refusal at the field that it is about.
 * @param {ApiError} error
 * @param {SourceFields} source
 * @param {HTMLElement} problem
 */
function showError(error, source, problem) {
  const text = `${error.message} ${error.hint ?? ''}`.trim();
  const where = error.code === 'invalid-request' && fieldOf(error.message, source);
  if (!where) return fill(problem, errorCard(error));
  where.setError(text);
  where.input.focus();
}

/**
 * @param {string} message
 * @param {SourceFields} source
 */
function fieldOf(message, source) {
  if (/branch name|^branch\b/i.test(message)) return source.branch;
  if (/folder inside|^subdirectory\b/i.test(message)) return source.subdirectory;
  if (/address|scheme|host name|repositor|clone/i.test(message)) return source.address;
  return null;
}

/** @param {HTMLElement} form */
function focusFirst(form) {
  const first = /** @type {HTMLElement | null} */ (form.querySelector('[aria-invalid="true"]'));
  const details = first?.closest('details');
  if (details) details.open = true;
  first?.focus();
}
