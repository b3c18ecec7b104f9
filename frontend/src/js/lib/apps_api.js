/** What the pages of an app ask of the server beside `api.js`: its releases, its variables, and whole logs. */

/** @import { Deployed, LogLine, LogPage, Overrides, Release, StoredEnvironment, StoredOverrides, StoredVariable } from '../types' */
import { api, json, request } from './api.js';

const PAGE_LINES = 5_000;

/** @param {string} name @param {string} part */
const at = (name, part) => `/deployments/${encodeURIComponent(name)}/${part}`;

export const appsApi = {
  /** @param {string} name @returns {Promise<Deployed>} */
  redeploy: (name) => json('POST', at(name, 'redeploy'), { headers: { Prefer: 'respond-async' } }),

  /**
   * @param {string} name
   * @param {{ limit: number, offset: number }} page
   * @returns {Promise<{ items: Release[], total: number }>}
   */
  async releases(name, { limit, offset }) {
    const response = await request('GET', at(name, `releases?limit=${limit}&offset=${offset}`));
    const items = await response.json();
    return { items, total: Number(response.headers.get('X-Total-Count') ?? items.length) };
  },

  /** @param {string} name @param {number} number @returns {Promise<Release>} */
  release: (name, number) => json('GET', at(name, `releases/${number}`)),

  /** @param {string} name @param {{ isRevealed?: boolean }} [how] @returns {Promise<StoredEnvironment>} */
  environment: (name, { isRevealed = false } = {}) => json('GET', at(name, `env${isRevealed ? '?reveal=true' : ''}`)),

  /**
   * @param {string} name
   * @param {{ kind: StoredVariable['kind'], set?: Record<string, string>, unset?: string[] }} change
   * @returns {Promise<StoredEnvironment>}
   */
  changeEnvironment: (name, change) => json('PATCH', at(name, 'env'), { json: change }),

  /** @param {string} name @returns {Promise<{ variables: { name: string, source: string, is_set: boolean }[] }>} */
  environmentExample: (name) => json('GET', at(name, 'env/example')),

  /** @param {string} name @returns {Promise<StoredOverrides>} */
  overrides: (name) => json('GET', at(name, 'overrides')),

  /** @param {string} name @param {Overrides} overrides what replaces them all @returns {Promise<StoredOverrides>} */
  storeOverrides: (name, overrides) => json('PUT', at(name, 'overrides'), { json: overrides }),

  /**
   * A log from a number on, page by page; ends with the last line that there is now.
   * @param {string} name
   * @param {{ release?: number, after?: number, signal?: AbortSignal }} what
   * @returns {AsyncGenerator<LogPage>}
   */
  async *logPages(name, { release, after = 0, signal }) {
    for (;;) {
      const page = await api.logs(name, { release, after, limit: PAGE_LINES, signal });
      yield page;
      after = page.next;
      if (page.lines.length < PAGE_LINES) return;
    }
  },

  /**
   * Lines before a number.
   * @param {string} name
   * @param {{ release?: number, before: number }} what
   * @returns {Promise<LogLine[]>}
   */
  async linesBefore(name, { release, before }) {
    const after = Math.max(0, before - 1 - PAGE_LINES);
    const page = await api.logs(name, { release, after, limit: Math.min(PAGE_LINES, before - 1 - after) });
    return page.lines;
  },
};
