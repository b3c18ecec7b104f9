/** What an app is set up with, and the end of it. */

/** @import { Deployment } from '../types' */
import { el, fill } from '../lib/dom.js';
import { exactTime } from '../lib/format.js';
import { lossList } from './app_deeds.js';
import { copyButton } from './copy.js';
import { icon } from './icon.js';

/**
 * @param {{ onDestroy(): void }} what
 * @returns {{ element: HTMLElement, show(app: Deployment): void }}
 */
export function settingsPanel({ onDestroy }) {
  const facts = el('dl', { class: 'facts' });
  const losses = el('div');
  const destroy = el(
    'button',
    { class: 'button button--danger', type: 'button', dataset: { deed: 'destroy' }, on: { click: onDestroy } },
    icon('trash-2'),
    'Destroy this application',
  );
  const element = el(
    'div',
    { class: 'stack stack--wide' },
    el(
      'section',
      { class: 'card', 'aria-label': 'Set-up' },
      el('div', { class: 'card__head' }, el('h2', { text: 'Set-up' })),
      facts,
    ),
    el(
      'section',
      { class: 'card card--danger', 'aria-label': 'Danger zone' },
      el('div', { class: 'card__head' }, el('h2', { text: 'Danger zone' })),
      el('p', { text: 'Destroying the application removes, for good:' }),
      losses,
      destroy,
    ),
  );
  return {
    element,
    show(app) {
      fill(facts, ...rows(app));
      fill(losses, lossList(app));
    },
  };
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
