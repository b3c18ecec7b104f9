/** What an app is set up with, and the end of it. */

/** @import { Deployment } from '../types' */
import { el, fill } from '../lib/dom.js';
import { exactTime } from '../lib/format.js';
import { lossList } from './app_deeds.js';
import { copyButton } from './copy.js';
import { icon } from './icon.js';
import { LazyPanel } from './lazy_panel.js';

export class SettingsPanel {
  /** @type {Deployment | null} */
  #app = null;

  /** @param {{ name: string, onDeploy(): Promise<unknown>, onDestroy(): void }} what */
  constructor({ name, onDeploy, onDestroy }) {
    this.facts = el('dl', { class: 'facts' });
    this.losses = el('div');
    this.build = new LazyPanel(async () => {
      const { BuildCard } = await import('./build_card.js');
      return new BuildCard({ name, onDeploy, app: () => this.#app });
    });
    const parts = [card('Set-up', '', this.facts), this.build.element, dangerZone(this.losses, onDestroy)];
    this.element = el('div', { class: 'stack stack--wide' }, ...parts);
  }

  /** @param {Deployment} app */
  show(app) {
    this.#app = app;
    fill(this.facts, ...rows(app));
    fill(this.losses, lossList(app));
  }

  /** What is known of the app's own values, fetched when somebody looks at them. */
  refresh() {
    return this.build.refresh();
  }
}

/**
 * @param {HTMLElement} losses
 * @param {() => void} onDestroy
 */
function dangerZone(losses, onDestroy) {
  const destroy = el(
    'button',
    { class: 'button button--danger', type: 'button', dataset: { deed: 'destroy' }, on: { click: onDestroy } },
    icon('trash-2'),
    'Destroy this application',
  );
  const text = el('p', { text: 'Destroying the application removes, for good:' });
  return card('Danger zone', 'card--danger', text, losses, destroy);
}

/**
 * @param {string} title
 * @param {string} className
 * @param {...HTMLElement} children
 */
function card(title, className, ...children) {
  return el(
    'section',
    { class: `card ${className}`.trim(), 'aria-label': title },
    el('div', { class: 'card__head' }, el('h2', { text: title })),
    ...children,
  );
}

/** @param {Deployment} app */
function rows(app) {
  /** @type {[string, string | number | null | undefined, boolean?][]} */
  const values = [
    ['Name', app.container_name, true],
    ['Repository', app.git_url, true],
    ['Branch', app.branch ?? 'the default branch'],
    ['Folder', app.subdirectory ?? 'the whole repository'],
    [
      'Kind',
      [app.framework, app.strategy].filter((word, index, all) => word && all.indexOf(word) === index).join(' · '),
    ],
    ['Port in the container', app.container_port],
    ['Port on the server', app.host_port],
    ['Commit', app.commit_sha, true],
    ['Made', exactTime(app.created_at)],
    ['Trace id of the newest deployment', app.trace_id, true],
  ];
  return values
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([label, value, isCopied]) =>
      el(
        'div',
        { class: 'facts__row' },
        el('dt', { text: label }),
        el(
          'dd',
          {},
          el(isCopied ? 'code' : 'span', { text: String(value) }),
          isCopied && copyButton(String(value), `Copy: ${label.toLowerCase()}`),
        ),
      ),
    );
}
