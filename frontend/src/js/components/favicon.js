/** The mark in the browser's tab says how the app stands: working, live or failed, each by its shape as well. */

/** @import { Deployment } from '../types' */
import busy from '../../img/favicon-busy.svg?url';
import failed from '../../img/favicon-failed.svg?url';
import live from '../../img/favicon-live.svg?url';
import { appState, releaseState } from './badge.js';

const FILES = { busy, failed, live };

/** @param {Deployment} app */
export function showInFavicon(app) {
  const link = /** @type {HTMLLinkElement | null} */ (document.querySelector('link[rel="icon"]'));
  if (!link) return;
  link.dataset.plain ??= link.getAttribute('href') ?? '';
  const state = faviconState(app);
  const address = state ? FILES[state] : link.dataset.plain;
  if (link.getAttribute('href') !== address) link.setAttribute('href', address);
  link.dataset.state = state ?? 'plain';
}

/**
 * A failure of the newest deployment is told although an older one serves.
 * @param {Deployment} app
 * @returns {keyof typeof FILES | null} null for one that is stopped or was never anything
 */
export function faviconState(app) {
  const [state, newest] = [appState(app), releaseState(app)];
  if (app.status === 'starting' || state.tone === 'busy') return 'busy';
  if (state.word === 'Stopped') return null;
  if (newest.tone === 'bad' || (state.tone === 'bad' && app.live_release !== null)) return 'failed';
  return state.tone === 'good' ? 'live' : null;
}
