/** What an app is made of, in short: its address, and its source, commit and age. */

/** @import { Deployment } from '../types' */
import '../../css/parts/apps.css';
import { el, safeAddress } from '../lib/dom.js';
import { shortSha } from '../lib/format.js';
import { appState, badge, isServedByOlder, releaseState } from './badge.js';
import { copyButton } from './copy.js';
import { icon } from './icon.js';
import { ago } from './time.js';

/**
 * One badge for the app; a second one where the newest deployment tells something else.
 * @param {Deployment} app
 */
export function appBadges(app) {
  const state = appState(app);
  const newest = releaseState(app);
  const isBusy = app.status === 'starting' && app.live_release !== null;
  if (isBusy) return [badge(state), badge(newest)];
  if (isServedByOlder(app) && app.error) {
    return [badge(state), badge({ ...newest, word: `Last deploy: ${newest.word.toLowerCase()}` })];
  }
  if (app.live_release === null && app.status !== 'starting') return [badge(newest)];
  return [badge(state)];
}

/**
 * How it stands as one sentence, for a screen reader and a page's title.
 * @param {Deployment} app
 */
export function standing(app) {
  const [state, newest] = [appState(app).word, releaseState(app).word];
  if (app.status === 'starting') return app.live_release === null ? newest : `${state}, ${newest.toLowerCase()}`;
  if (isServedByOlder(app) && app.error) return `${state}, last deploy failed`;
  return app.live_release === null ? newest : state;
}

/** @param {Deployment} app */
export function addressLink(app) {
  const address = safeAddress(app.deployed_url);
  if (!address) return null;
  return el(
    'span',
    { class: 'address' },
    el(
      'a',
      { class: 'address__link', href: address, target: '_blank', rel: 'noopener noreferrer' },
      el('span', { class: 'truncate', text: address.replace(/^https?:\/\//, '').replace(/\/$/, '') }),
      icon('external-link'),
      el('span', { class: 'visually-hidden', text: '(opens in a new tab)' }),
    ),
    copyButton(address, 'Copy the address'),
  );
}

/** @param {Deployment} app */
export function sourceText(app) {
  const folder = app.subdirectory ? ` / ${app.subdirectory}` : '';
  return el(
    'span',
    { class: 'fact', title: app.git_url },
    icon('git-branch'),
    el('span', { class: 'truncate', text: `${app.branch ?? 'default branch'}${folder}` }),
  );
}

/** @param {{ commit_sha: string | null, commit_subject: string | null }} app */
export function commitText({ commit_sha, commit_subject }) {
  if (!commit_sha) return null;
  return el(
    'span',
    { class: 'fact fact--commit', title: commit_sha },
    icon('git-commit-horizontal'),
    el('code', { text: shortSha(commit_sha) }),
    el('span', { class: 'truncate', text: commit_subject ?? '' }),
  );
}

/**
 * @param {string | null | undefined} when
 * @param {string} [image]
 */
export function ageText(when, image = 'clock') {
  return el('span', { class: 'fact' }, icon(image), ago(when));
}
