/** All apps of the user, kept true by the socket: nothing is asked for again and again. */

/** @import { Deployment, DeploymentNews } from '../types' */
import { api } from './api.js';
import { connect, deploymentNews, resumed } from './live.js';

const PAGE = 200;
const QUIET_MILLISECONDS = 120;

/**
 * @param {{ onChange(): void, onError(error: unknown): void }} how
 */
export function appsStore({ onChange, onError }) {
  /** @type {Map<string, Deployment>} */
  const apps = new Map();
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  const due = new Map();

  const load = async () => {
    try {
      const found = await everything();
      apps.clear();
      for (const app of found) apps.set(app.container_name, app);
      onChange();
    } catch (error) {
      onError(error);
    }
  };
  const refresh = async (/** @type {string} */ name) => {
    try {
      put(await api.deployment(name));
    } catch (error) {
      if (/** @type {any} */ (error).status === 404) remove(name);
    }
  };
  const put = (/** @type {Deployment} */ app) => {
    apps.set(app.container_name, app);
    onChange();
  };
  const remove = (/** @type {string} */ name) => {
    if (apps.delete(name)) onChange();
  };
  const hear = (/** @type {DeploymentNews} */ news) => {
    const name = news.deployment;
    if (news.status === 'destroyed') return remove(name);
    const known = apps.get(name);
    if (known) put({ ...known, status: news.status, phase: news.phase });
    // The steps of a deployment come in quick succession: what else has changed is asked for once.
    clearTimeout(due.get(name));
    due.set(
      name,
      setTimeout(() => refresh(name), QUIET_MILLISECONDS),
    );
  };
  const start = () => {
    deploymentNews.on(hear);
    resumed.on(load);
    connect();
    return load();
  };
  return { apps, start, load, put, remove };
}

/** @returns {Promise<Deployment[]>} */
async function everything() {
  /** @type {Deployment[]} */
  const found = [];
  for (;;) {
    const { items, total } = await api.deployments({ limit: PAGE, offset: found.length });
    found.push(...items);
    if (!items.length || found.length >= total) return found;
  }
}
