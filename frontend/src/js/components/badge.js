/** How an app, or a deployment of it, stands: always an icon and a word, never a colour alone. */

/** @import { Deployment } from '../types' */
import { el } from '../lib/dom.js';
import { icon } from './icon.js';

/** @typedef {{ word: string, icon: string, tone: 'neutral' | 'busy' | 'good' | 'warn' | 'bad' }} State */

const VERBS = /** @type {Record<string, string>} */ ({
  validate: 'Checking the address',
  clone: 'Cloning',
  detect: 'Detecting',
  clean: 'Clearing up',
  build: 'Building',
  start: 'Starting',
  port: 'Finding the port',
  verify: 'Checking',
  record: 'Recording',
});

const FAILED_AT = /** @type {Record<string, string>} */ ({
  validate: 'Refused',
  clone: 'Clone failed',
  detect: 'Not recognised',
  build: 'Build failed',
  start: 'Start failed',
  port: 'Start failed',
  verify: 'Check failed',
});

/**
 * The app itself: what somebody who opens its address gets.
 * @param {Deployment} app
 * @returns {State}
 */
export function appState(app) {
  if (app.phase === 'deleting') return { word: 'Destroying', icon: 'loader-circle', tone: 'busy' };
  if (app.phase === 'stopped' || app.stopped_at) return { word: 'Stopped', icon: 'square', tone: 'neutral' };
  if (app.live_release === null) {
    return app.status === 'starting' ? releaseState(app) : { word: 'Not running', icon: 'circle-x', tone: 'bad' };
  }
  const condition = app.app_state?.state;
  if (condition === 'exited' || condition === 'missing' || condition === 'stopped') {
    return { word: 'Down', icon: 'triangle-alert', tone: 'bad' };
  }
  if (condition === 'restarting') return { word: 'Crashing', icon: 'triangle-alert', tone: 'bad' };
  return { word: 'Live', icon: 'circle-dot', tone: 'good' };
}

/**
 * The newest deployment of an app.
 * @param {Deployment} app
 * @returns {State}
 */
export function releaseState(app) {
  if (app.status === 'starting') {
    if (app.phase === 'queued') return { word: 'Queued', icon: 'clock', tone: 'neutral' };
    return { word: VERBS[app.phase] ?? 'Deploying', icon: 'loader-circle', tone: 'busy' };
  }
  if (app.error?.code === 'cancelled') return { word: 'Cancelled', icon: 'ban', tone: 'neutral' };
  if (app.error?.code === 'interrupted') return { word: 'Interrupted', icon: 'unplug', tone: 'warn' };
  if (app.error || app.status === 'failed') {
    const step = app.steps.find(({ state }) => state === 'failed')?.stage ?? app.steps.at(-1)?.stage ?? '';
    return { word: FAILED_AT[step] ?? 'Failed', icon: 'circle-x', tone: 'bad' };
  }
  return { word: 'Deployed', icon: 'circle-check', tone: 'good' };
}

/**
 * Whether an older release serves although the newest deployment failed.
 * @param {Deployment} app
 */
export function isServedByOlder(app) {
  return app.live_release !== null && app.live_release !== app.release && app.status !== 'starting';
}

/**
 * @param {State} state
 * @returns {HTMLElement}
 */
export function badge(state) {
  const element = el('span', { class: 'badge' });
  setBadge(element, state);
  return element;
}

/**
 * Show another state in a badge; nothing happens where it is shown already.
 * @param {HTMLElement} element
 * @param {State} state
 */
export function setBadge(element, state) {
  if (element.dataset.tone === state.tone && element.textContent === state.word) return;
  element.dataset.tone = state.tone;
  const isTurning = state.icon === 'loader-circle';
  element.replaceChildren(icon(state.icon, isTurning ? 'icon--turning' : ''), el('span', { text: state.word }));
}
