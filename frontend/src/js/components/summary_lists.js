/** Short lists of apps for the dashboard: what runs, and what was deployed of late. */

/** @import { Deployment } from '../types' */
import { el, safeAddress } from '../lib/dom.js';
import { repositoryName, shortSha } from '../lib/format.js';
import { appState, badge, isServedByOlder, releaseState } from './badge.js';
import { icon } from './icon.js';
import { ago } from './time.js';

const MOST = 5;

/** @param {Deployment[]} apps */
export function runningList(apps) {
  return el('ul', { class: 'summary', role: 'list' }, ...apps.slice(0, MOST).map(runningRow));
}

/** @param {Deployment[]} apps */
export function recentList(apps) {
  const newest = [...apps].sort((one, other) => other.updated_at.localeCompare(one.updated_at));
  return el('ul', { class: 'summary', role: 'list' }, ...newest.slice(0, MOST).map(recentRow));
}

/** @param {Deployment} app */
function runningRow(app) {
  const address = safeAddress(app.deployed_url);
  const link =
    address &&
    el(
      'a',
      {
        class: 'summary__open',
        href: address,
        target: '_blank',
        rel: 'noopener noreferrer',
      },
      address.replace(/^https?:\/\//, ''),
      icon('external-link'),
      el('span', { class: 'visually-hidden', text: `, opens ${app.container_name} in a new tab` }),
    );
  return el(
    'li',
    { class: 'summary__row' },
    el('div', { class: 'summary__line' }, name(app), badge(appState(app))),
    link,
  );
}

/** @param {Deployment} app */
function recentRow(app) {
  const commit = app.commit_subject || (app.commit_sha ? `commit ${shortSha(app.commit_sha)}` : app.container_name);
  return el(
    'li',
    { class: 'summary__row' },
    el('div', { class: 'summary__line' }, name(app), badge(releaseState(app))),
    el(
      'p',
      { class: 'summary__detail' },
      app.release !== null && el('span', { class: 'numbers', text: `#${app.release}` }),
      el('span', { class: 'truncate', text: commit }),
      ago(app.updated_at),
    ),
    isServedByOlder(app) &&
      app.error &&
      el('p', { class: 'small muted', text: `Release ${app.live_release} still serves.` }),
  );
}

/**
 * The repository, as in the list of applications; the app's own name tells two apps of one repository apart.
 * @param {Deployment} app
 */
function name({ container_name: container, git_url: address, subdirectory }) {
  const text = repositoryName(address) + (subdirectory ? ` / ${subdirectory}` : '');
  const href = `/applications/${encodeURIComponent(container)}`;
  return el('a', { class: 'summary__name truncate', href, title: container, text });
}
