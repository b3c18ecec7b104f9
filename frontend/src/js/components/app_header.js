/** The head of an app's page: how it stands, where it answers, what it is made of, and what can be done to it. */

/** @import { Deployment } from '../types' */
/** @import { DeedName } from './app_deeds.js' */
import { el, fill, hook, safeAddress } from '../lib/dom.js';
import { repositoryName } from '../lib/format.js';
import { DEEDS, deedUnderWay, obstacle } from './app_deeds.js';
import { addressLink, ageText, appBadges, commitText, sourceText } from './app_facts.js';
import { deedMenu } from './deed_menu.js';
import { icon } from './icon.js';

/**
 * @param {(deed: DeedName) => void} onDeed
 * @returns {{ show(app: Deployment): void }}
 */
export function appHeader(onDeed) {
  const place = hook('head');
  const deeds = deedMenu({ label: 'More actions', leaveOut: ['redeploy', 'cancel'], onDeed });
  const open = openLink();
  const redeploy = deedButton('redeploy', 'button--primary', onDeed);
  const cancel = deedButton('cancel', '', onDeed);
  fill(hook('deeds', place), open, cancel, redeploy, deeds.element);
  let drawn = '';
  return {
    show(app) {
      deeds.show(app);
      const address = safeAddress(app.deployed_url);
      const isStopped = app.phase === 'stopped' || Boolean(app.stopped_at);
      open.hidden = !address || app.live_release === null || isStopped;
      if (address) open.href = address;
      const isBusy = app.status === 'starting' && !isLifecycle(app);
      cancel.hidden = !isBusy;
      redeploy.hidden = isBusy;
      showButton(redeploy, app, 'redeploy');
      showButton(cancel, app, 'cancel');
      const key = JSON.stringify(app);
      if (key === drawn) return;
      drawn = key;
      hook('title', place).textContent = repositoryName(app.git_url);
      fill(hook('badges', place), ...appBadges(app));
      fill(
        hook('facts', place),
        addressLink(app),
        sourceText(app),
        commitText(app),
        ageText(app.updated_at),
        ...conditionFacts(app),
      );
    },
  };
}

function openLink() {
  return el(
    'a',
    { class: 'button', target: '_blank', rel: 'noopener noreferrer' },
    icon('external-link'),
    'Open',
    el('span', { class: 'visually-hidden', text: '(in a new tab)' }),
  );
}

/**
 * Whether a stop, start or restart runs, rather than a deployment.
 * @param {Deployment} app
 */
function isLifecycle(app) {
  const deed = deedUnderWay(app.container_name);
  return deed === 'start' || deed === 'restart' || deed === 'stop';
}

/**
 * @param {'redeploy' | 'cancel'} deed
 * @param {string} kind
 * @param {(deed: DeedName) => void} onDeed
 */
function deedButton(deed, kind, onDeed) {
  const info = DEEDS.find(({ name }) => name === deed);
  const word = deed === 'cancel' ? 'Cancel' : (info?.word ?? '');
  const button = el(
    'button',
    { class: `button ${kind}`, type: 'button', dataset: { deed } },
    icon(info?.icon ?? ''),
    word,
  );
  button.addEventListener('click', () => button.getAttribute('aria-disabled') !== 'true' && onDeed(deed));
  return button;
}

/**
 * @param {HTMLElement} button
 * @param {Deployment} app
 * @param {DeedName} deed
 */
function showButton(button, app, deed) {
  const reason = obstacle(app, deed);
  button.title = reason;
  if (reason) button.setAttribute('aria-disabled', 'true');
  else button.removeAttribute('aria-disabled');
  if (deedUnderWay(app.container_name) === deed) button.dataset.busy = 'true';
  else delete button.dataset.busy;
}

/** @param {Deployment} app */
function conditionFacts({ app_state: state, stopped_at: stopped }) {
  if (stopped || !state) return [];
  const facts = [];
  if (state.restart_count > 0) {
    facts.push(
      el('span', { class: 'fact fact--bad' }, icon('triangle-alert'), `Crashed ${state.restart_count} times by itself`),
    );
  }
  if (state.oom_killed) facts.push(el('span', { class: 'fact fact--bad' }, icon('memory-stick'), 'Ran out of memory'));
  if (state.state === 'exited' && state.exit_code !== null) {
    facts.push(el('span', { class: 'fact fact--bad' }, icon('circle-x'), `Ended with exit code ${state.exit_code}`));
  }
  return facts;
}
