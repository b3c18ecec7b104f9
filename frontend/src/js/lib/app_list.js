/** Searching, filtering and sorting of apps. */

/** @import { Deployment } from '../types' */

/** @typedef {'all' | 'live' | 'busy' | 'failed' | 'stopped'} Filter */
/** @typedef {'newest' | 'oldest' | 'name'} Sort */

/**
 * Whether an app belongs under a filter. One whose newest deployment failed is under `failed`, and under `live` too
 * while an older release serves.
 * @param {Deployment} app
 * @param {string} filter
 */
export function isUnder(app, filter) {
  const isStopped = app.phase === 'stopped' || Boolean(app.stopped_at);
  if (filter === 'live') return app.live_release !== null && !isStopped;
  if (filter === 'busy') return app.status === 'starting' || app.phase === 'deleting';
  if (filter === 'failed') return app.status === 'failed' || (app.error !== null && app.status !== 'starting');
  if (filter === 'stopped') return isStopped;
  return true;
}

/**
 * Whether each word stands somewhere in what people know of an app.
 * @param {Deployment} app
 * @param {string} search
 */
export function isFound(app, search) {
  const text = [
    app.container_name,
    app.git_url,
    app.branch,
    app.subdirectory,
    app.commit_subject,
    app.commit_sha,
    app.deployed_url,
    app.framework,
    app.strategy,
  ]
    .join(' ')
    .toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/**
 * @param {Iterable<Deployment>} apps
 * @param {{ q: string, status: string, sort: string }} how
 */
export function chosen(apps, { q, status, sort }) {
  const found = [...apps].filter((app) => isUnder(app, status) && isFound(app, q));
  return found.sort(ORDERS[sort] ?? ORDERS.newest);
}

/**
 * One page of what was found. A page that is not there is the nearest one that is.
 * @template T
 * @param {T[]} found
 * @param {string} asked the page's number as it stands in the address
 * @param {number} size how many a page holds
 */
export function pageOf(found, asked, size) {
  const last = Math.max(1, Math.ceil(found.length / size));
  const page = Math.min(Math.max(1, Math.trunc(Number(asked)) || 1), last);
  return { items: found.slice((page - 1) * size, page * size), page, last };
}

/** @type {Record<string, (one: Deployment, other: Deployment) => number>} */
const ORDERS = {
  newest: (one, other) => other.updated_at.localeCompare(one.updated_at) || other.id - one.id,
  oldest: (one, other) => one.updated_at.localeCompare(other.updated_at) || one.id - other.id,
  name: (one, other) => one.container_name.localeCompare(other.container_name),
};
