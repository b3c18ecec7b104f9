/** All apps of the user, kept true by the socket: nothing is asked for again and again. */

/** @import { Deployment, DeploymentNews } from '../types' */
import { api } from './api.js';
import { connect, deploymentNews, resumed } from './live.js';

const PAGE = 200;
const QUIET_MILLISECONDS = 120;

/** @param {{ onChange(): void, onError(error: unknown): void }} how */
export function appsStore(how) {
  return new AppsStore(how);
}

class AppsStore {
  /** @type {Map<string, Deployment>} */
  apps = new Map();
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  #due = new Map();

  /** @param {{ onChange(): void, onError(error: unknown): void }} how */
  constructor({ onChange, onError }) {
    this.onChange = onChange;
    this.onError = onError;
  }

  start() {
    deploymentNews.on((news) => this.#hear(news));
    resumed.on(() => void this.load());
    connect();
    return this.load();
  }

  async load() {
    try {
      const found = await allApps();
      this.apps.clear();
      for (const app of found) this.apps.set(app.container_name, app);
      this.onChange();
    } catch (error) {
      this.onError(error);
    }
  }

  /** @param {Deployment} app */
  put(app) {
    this.apps.set(app.container_name, app);
    this.onChange();
  }

  /** @param {string} name */
  remove(name) {
    if (this.apps.delete(name)) this.onChange();
  }

  /** @param {DeploymentNews} news */
  #hear({ deployment: name, status, phase }) {
    if (status === 'destroyed') return this.remove(name);
    const known = this.apps.get(name);
    if (known) this.put({ ...known, status, phase });
    // The steps of a deployment come in quick succession: what else has changed is asked for once.
    clearTimeout(this.#due.get(name));
    this.#due.set(
      name,
      setTimeout(() => void this.#refresh(name), QUIET_MILLISECONDS),
    );
  }

  /** @param {string} name */
  async #refresh(name) {
    try {
      this.put(await api.deployment(name));
    } catch (error) {
      if (/** @type {any} */ (error).status === 404) this.remove(name);
    }
  }
}

/** @returns {Promise<Deployment[]>} */
export async function allApps() {
  /** @type {Deployment[]} */
  const found = [];
  for (;;) {
    const { items, total } = await api.deployments({ limit: PAGE, offset: found.length });
    found.push(...items);
    if (!items.length || found.length >= total) return found;
  }
}
