/** What can be done to an app: when each deed is offered, how it is asked for, and how its end is told. */

/** @import { Deployment } from '../types' */
import { api } from '../lib/api.js';
import { appsApi } from '../lib/apps_api.js';
import { el } from '../lib/dom.js';
import { repositoryName } from '../lib/format.js';
import { announce } from './announce.js';
import { confirmDialog } from './dialog.js';
import { toast } from './toast.js';

/** @typedef {'redeploy' | 'stop' | 'start' | 'restart' | 'cancel' | 'destroy'} DeedName */

/**
 * @typedef {{ name: DeedName, word: string, icon: string, isDangerous?: boolean }} DeedInfo
 */

/** @type {readonly DeedInfo[]} */
export const DEEDS = [
  { name: 'redeploy', word: 'Redeploy', icon: 'rocket' },
  { name: 'start', word: 'Start', icon: 'play' },
  { name: 'restart', word: 'Restart', icon: 'rotate-ccw' },
  { name: 'stop', word: 'Stop', icon: 'circle-stop' },
  { name: 'cancel', word: 'Cancel the deployment', icon: 'ban' },
  { name: 'destroy', word: 'Destroy…', icon: 'trash-2', isDangerous: true },
];

/** What is being done to each app from this page. @type {Map<string, DeedName>} */
const underWay = new Map();

/** @param {string} app */
export function deedUnderWay(app) {
  return underWay.get(app) ?? null;
}

/**
 * Why a deed is not possible now; empty where it is.
 * @param {Deployment} app
 * @param {DeedName} deed
 */
export function obstacle(app, deed) {
  const isDeploying = app.status === 'starting';
  const isStopped = app.phase === 'stopped' || Boolean(app.stopped_at);
  if (underWay.has(app.container_name)) return 'Something is being done to it.';
  if (app.phase === 'deleting' && deed !== 'destroy') return 'It is being destroyed.';
  if (deed === 'cancel') return isDeploying ? '' : 'Nothing is being deployed.';
  if (deed === 'destroy') return '';
  if (isDeploying) return 'It is being deployed.';
  if (deed === 'redeploy') return '';
  if (app.live_release === null) return 'It has never been live.';
  if (deed === 'start') return isStopped || app.app_state?.state === 'exited' ? '' : 'It runs already.';
  if (deed === 'stop') return isStopped ? 'It is stopped already.' : '';
  return isStopped ? 'It is stopped.' : '';
}

/**
 * The deeds that make sense for an app at all; `obstacle` tells whether they do now.
 * @param {Deployment} app
 */
export function offered(app) {
  const isStopped = app.phase === 'stopped' || Boolean(app.stopped_at);
  const hidden = new Set([
    isStopped ? 'stop' : 'start',
    isStopped ? 'restart' : '',
    app.status === 'starting' ? '' : 'cancel',
  ]);
  if (app.app_state?.state === 'exited') hidden.delete('start');
  return DEEDS.filter(({ name }) => !hidden.has(name));
}

/**
 * Does it. A second call while it is done does nothing. Gives whether it was done.
 * @param {Deployment} app
 * @param {DeedName} deed
 * @param {{ onChange(app: Deployment | null): void }} how hears of the app as it stands then; null once it is gone
 * @returns {Promise<boolean>}
 */
export async function doDeed(app, deed, { onChange }) {
  const name = app.container_name;
  if (underWay.has(name)) return false;
  if (deed === 'destroy') return destroy(app, onChange);
  underWay.set(name, deed);
  onChange(app);
  const { after, told, isDone } = await ask(app, deed)
    .then((answer) => ({ ...answer, isDone: true }))
    .catch(async ({ message, hint = '' }) => ({
      after: await api.deployment(name).catch(() => app),
      told: `${message} ${hint}`.trim(),
      isDone: false,
    }))
    .finally(() => underWay.delete(name));
  onChange(after);
  toast(told, { tone: isDone ? 'good' : 'bad' });
  return isDone;
}

/**
 * @param {Deployment} app
 * @param {DeedName} deed
 * @returns {Promise<{ after: Deployment, told: string }>}
 */
async function ask(app, deed) {
  const name = app.container_name;
  if (deed === 'redeploy') {
    const { deployment, release } = await appsApi.redeploy(name);
    return { after: deployment, told: `Release ${release} is being deployed.` };
  }
  if (deed === 'cancel') {
    await api.act(name, 'cancel');
    return { after: await api.deployment(name), told: 'The deployment was cancelled.' };
  }
  const { deployment, message } = await api.act(name, /** @type {'stop' | 'start' | 'restart'} */ (deed));
  return { after: deployment, told: message };
}

/**
 * @param {Deployment} app
 * @param {(app: Deployment | null) => void} onChange
 */
async function destroy(app, onChange) {
  const name = app.container_name;
  const isDone = await confirmDialog({
    title: `Destroy ${repositoryName(app.git_url)}?`,
    body: [el('p', { text: 'This cannot be undone. These go for good:' }), lossList(app)],
    confirm: 'Destroy it',
    typed: name,
    isDangerous: true,
    async deed() {
      underWay.set(name, 'destroy');
      try {
        await api.destroy(name);
      } finally {
        underWay.delete(name);
      }
    },
  });
  if (!isDone) return false;
  announce(`${name} was destroyed.`);
  onChange(null);
  return true;
}

/**
 * Exactly what goes with an app.
 * @param {Deployment} app
 */
export function lossList(app) {
  const services = app.app_state?.services.map(({ service }) => service).filter(Boolean) ?? [];
  const containers = services.length ? `Its ${services.length} containers (${services.join(', ')})` : 'Its container';
  const items = [
    [containers, app.container_name],
    app.deployed_url ? ['Its address', app.deployed_url.replace(/^https?:\/\//, '')] : null,
    ['Its volumes, with all data in them', ''],
    ['Its images and its private network', ''],
    [`Its ${app.release ?? 0} ${app.release === 1 ? 'release' : 'releases'}, with their logs`, ''],
    ['Its environment variables', ''],
  ].filter((item) => item !== null);
  return el(
    'ul',
    { class: 'losses' },
    ...items.map(([what, value]) => el('li', {}, what, value && ': ', value && el('code', { text: value }))),
    el('li', { class: 'losses__stays' }, 'The repository stays as it is: ', el('code', { text: app.git_url })),
  );
}
