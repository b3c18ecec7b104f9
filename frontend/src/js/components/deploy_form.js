/** The form that turns the address of a repository into a deployment, with a preview of what would be done. */

/** @import { ApiError } from '../lib/api.js' */
/** @import { Deployed, Plan } from '../types' */
import '../../css/parts/forms.css';
import { api } from '../lib/api.js';
import { el, fill } from '../lib/dom.js';
import { idempotencyKey } from '../lib/idempotency.js';
import { busyWhile } from './dialog.js';
import { EnvEditor } from './env_editor.js';
import { errorCard } from './error_card.js';
import { icon } from './icon.js';
import { SourceFields } from './source_fields.js';

export class DeployForm {
  #key = idempotencyKey();
  /** Loaded when somebody asks for a preview. @type {import('./preview_panel.js').PreviewPanel | null} */
  panel = null;

  /**
   * @param {{
   *   onDeployed: (deployed: Deployed) => void, address?: string, branch?: string, subdirectory?: string,
   * }} how
   */
  constructor({ onDeployed, address = '', branch = '', subdirectory = '' }) {
    this.onDeployed = onDeployed;
    this.source = new SourceFields({ onEdit: () => this.panel?.outdate() });
    this.backend = new EnvEditor({
      legend: 'When it runs',
      hint: 'For the running app, such as SECRET_KEY or DATABASE_URL.',
    });
    this.frontend = new EnvEditor({
      legend: 'When it is built',
      hint: 'For the build only, such as VITE_API_URL or NEXT_PUBLIC_…',
    });
    this.variables = environment(this.backend, this.frontend);
    this.problem = el('div', { class: 'deploy__problem' });
    this.place = el('div', { class: 'deploy__preview' });
    this.element = this.#form();
    this.source.set({ url: address, branch, subdirectory });
  }

  focus() {
    this.source.focus();
  }

  /** Shows the user's repositories on GitHub. */
  browse() {
    this.source.browse();
  }

  #form() {
    const large = 'button button--large';
    this.preview = el('button', { class: large, type: 'button' }, icon('eye'), 'Preview');
    this.submit = el('button', { class: `${large} button--primary`, type: 'submit' }, icon('rocket'), 'Deploy');
    this.preview.addEventListener('click', () => this.#look());
    return el(
      'form',
      {
        class: 'deploy stack stack--wide',
        novalidate: true,
        'aria-label': 'Deploy a repository',
        on: { submit: (/** @type {SubmitEvent} */ event) => this.#submitted(event) },
      },
      this.source.element,
      this.variables,
      this.place,
      this.problem,
      el('div', { class: 'deploy__deeds' }, this.submit, this.preview),
      el('p', {
        class: 'field__hint',
        text: 'The preview clones the repository and tells what would be done and why. Nothing is built for it.',
      }),
    );
  }

  async #look() {
    await busyWhile(/** @type {HTMLElement} */ (this.preview), async () => {
      if (!this.source.isValid()) return;
      fill(this.problem);
      this.panel ??= await this.#makePanel();
      await this.panel?.look(this.source.values());
    });
  }

  /** @returns {Promise<import('./preview_panel.js').PreviewPanel | null>} null where its script cannot be loaded */
  async #makePanel() {
    try {
      const { PreviewPanel } = await import('./preview_panel.js');
      const panel = new PreviewPanel({
        onEdit: () => fill(this.problem),
        onFolder: (folder) => {
          this.source.subdirectory.input.value = folder;
          void this.#look();
        },
        onPlan: (plan) => this.#offer(plan),
      });
      fill(this.place, panel.element);
      return panel;
    } catch {
      const error = {
        message: 'The preview could not be loaded.',
        hint: 'Load the page again; you can deploy without it.',
      };
      fill(this.problem, errorCard(error));
      return null;
    }
  }

  /** @param {SubmitEvent} event */
  #submitted(event) {
    event.preventDefault();
    void busyWhile(/** @type {HTMLElement} */ (this.submit), () => this.#deploy());
  }

  async #deploy() {
    fill(this.problem);
    const areValid = [this.source.isValid(), this.backend.isValid(), this.frontend.isValid()];
    if (areValid.includes(false)) return focusFirst(this.element);
    const wish = this.#wish();
    try {
      this.onDeployed(await api.deploy(wish, this.#key.for(wish)));
      // The page is being left: a second click must not start a second app.
      await new Promise(() => {});
    } catch (error) {
      this.#refused(/** @type {ApiError} */ (error));
    }
  }

  #wish() {
    const source = this.source.values();
    const overrides = this.panel?.overridesFor(source) ?? {};
    return {
      ...source,
      backend_env: this.backend.text(),
      frontend_env: this.frontend.text(),
      overrides: Object.keys(overrides).length ? JSON.stringify(overrides) : '',
    };
  }

  /** @param {ApiError} error */
  #refused(error) {
    // Only where nothing was heard may it have begun, and then asking again must not begin another.
    if (error.status >= 400 && error.status < 500) this.#key.renew();
    if (!this.panel?.refuse(error)) showError(error, this.source, this.problem);
  }

  /** @param {Plan} plan */
  #offer({ variables = [] }) {
    this.backend.offer(variables);
    if (variables.length) this.variables.open = true;
  }
}

/**
 * @param {EnvEditor} backend
 * @param {EnvEditor} frontend
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
