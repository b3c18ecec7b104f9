/** What somebody who is logged in finds at `/`: the deploy form, what runs, what was deployed, and how the host is. */

/** @import { Deployed, Deployment } from '../types' */
import { api } from '../lib/api.js';
import { debounce, el, fill, hook } from '../lib/dom.js';
import { plural } from '../lib/format.js';
import { connect, deploymentNews, liveState, resumed } from '../lib/live.js';
import { DeployForm } from './deploy_form.js';
import { errorCard } from './error_card.js';
import { firstApp } from './first_app.js';
import { healthCard } from './health_card.js';
import { recentList, runningList } from './summary_lists.js';
import { showConnection } from './shell.js';

const REFRESH_MILLISECONDS = 250;

/** @param {HTMLElement} place */
export function startDashboard(place) {
  const search = new URLSearchParams(location.search);
  const form = new DeployForm({
    address: search.get('repo') ?? '',
    branch: search.get('branch') ?? '',
    subdirectory: search.get('folder') ?? '',
    onDeployed: leaveFor,
  });
  fill(place, ...layout(form.element));
  const lists = { running: hook('running', place), recent: hook('recent', place) };
  const health = healthCard(hook('health', place));

  const load = async () => {
    try {
      const { items, total } = await api.deployments({ limit: 100 });
      showApps(lists, items, total);
    } catch (error) {
      fill(lists.running, errorCard(/** @type {any} */ (error), { retry: load }));
      fill(lists.recent);
    }
  };
  const refresh = debounce(load, REFRESH_MILLISECONDS);
  deploymentNews.on(refresh);
  resumed.on(() => {
    refresh();
    health.load();
  });
  liveState.subscribe((state) => showConnection(state === 'reconnecting' ? 'Connection lost. Trying again…' : null));
  connect();
  load();
  health.load();
  if (search.has('repo')) form.focus();
  followHash(form);
}

/** `#deploy` leads to the form, and `#github` to the repositories in it. @param {DeployForm} form */
function followHash(form) {
  const follow = () => {
    if (location.hash === '#github') form.browse();
    if (location.hash === '#deploy') form.focus();
    if (location.hash === '#github' || location.hash === '#deploy') form.element.scrollIntoView({ block: 'nearest' });
  };
  addEventListener('hashchange', follow);
  // The same link again changes no address.
  addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[href^="/#"]') : null;
    if (link?.getAttribute('href') === `/${location.hash}`) setTimeout(follow);
  });
  follow();
}

/** @param {Deployed} deployed */
function leaveFor({ container_name: name }) {
  location.assign(`/applications/${encodeURIComponent(name)}`);
}

/** @param {HTMLElement} form */
function layout(form) {
  const all = el('a', { class: 'small', href: '/applications' }, 'All applications');
  return [
    el(
      'div',
      { class: 'dash__column dash__column--wide' },
      el(
        'section',
        { class: 'card dash__deploy', id: 'deploy', 'aria-labelledby': 'deploy-title' },
        el('h2', { id: 'deploy-title', text: 'Deploy a repository' }),
        form,
      ),
      card('Running', 'running', all),
    ),
    el('div', { class: 'dash__column' }, card('Recent deployments', 'recent'), card('This server', 'health')),
  ];
}

/**
 * @param {string} title
 * @param {string} name
 * @param {HTMLElement} [link]
 */
function card(title, name, link) {
  const waiting = el('div', { class: 'stack' }, el('div', { class: 'skeleton' }), el('div', { class: 'skeleton' }));
  return el(
    'section',
    { class: 'card', 'aria-label': title },
    el('div', { class: 'card__head' }, el('h2', { text: title }), link),
    el('div', { dataset: { hook: name } }, waiting),
  );
}

/**
 * @param {{ running: HTMLElement, recent: HTMLElement }} lists
 * @param {Deployment[]} items
 * @param {number} total
 */
function showApps(lists, items, total) {
  const running = items.filter((app) => app.live_release !== null && app.phase !== 'stopped');
  if (items.length) {
    fill(lists.running, running.length ? runningList(running) : nothing(total));
    fill(lists.recent, recentList(items));
  } else if (!lists.running.querySelector('.first')) {
    fill(lists.running, firstApp({ heading: 'h3', onDeployed: leaveFor }));
    fill(lists.recent, el('p', { class: 'muted small', text: 'Nothing was deployed yet.' }));
  }
}

/** @param {number} total */
function nothing(total) {
  const text = `Nothing runs at the moment; you have ${plural(total, 'application')}.`;
  return el('p', { class: 'muted small', text });
}
