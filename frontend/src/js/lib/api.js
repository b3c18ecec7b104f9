/** The server's REST API; the only module that uses `fetch`. Every failure is an `ApiError`. */

/**
 * @import {
 *   Deployed, Deployment, DeploymentPage, GithubRepositories, Health, Host, LogPage, Overrides, Plan, Sample,
 *   SessionAnswer, User,
 * } from '../types'
 */
import { alone, currentSession, dropSession, keepSession } from './auth.js';
import { signal, store } from './store.js';

const TIMEOUT_MILLISECONDS = 30_000;
const CLONE_MILLISECONDS = 330_000;
const RENEW_BEFORE_SECONDS = 120;
const RETRY_MILLISECONDS = 800;

/** Whether the server answered when it was last asked. */
export const reachable = store(true);

/** A session ended while somebody works; whoever listens asks for the password, or sends them to `/login`. */
export const sessionEnded = /** @type {ReturnType<typeof signal<void>>} */ (signal());

/** What failed (`message`), what to do (`hint`), a stable `code`, and what finds it in the server's log. */
export class ApiError extends Error {
  /** @param {{ status?: number, code?: string, message: string, hint?: string, lines?: string[], trace_id?: string, body?: any }} what */
  constructor({ status = 0, code = 'unknown', message, hint = '', lines = [], trace_id = '', body = null }) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.lines = lines;
    this.traceId = trace_id;
    /** The whole answer, where more than the error is of interest. */
    this.body = body;
  }
}

/**
 * @typedef {{
 *   json?: unknown, form?: FormData, headers?: Record<string, string>, signal?: AbortSignal,
 *   isAnonymous?: boolean, timeout?: number, accept?: number[],
 * }} Options
 */

/** Everything the dashboard asks of the server, by name. */
export const api = {
  /** @param {{ username: string, password: string }} credentials */
  login: (credentials) => startSession('/api/auth/login', credentials),

  /** @param {{ username: string, email: string, password: string }} account */
  register: (account) => startSession('/api/auth/register', account),

  /** @param {{ everywhere?: boolean }} [how] */
  async logout({ everywhere = false } = {}) {
    try {
      if (currentSession()) await json('POST', '/api/auth/logout', { json: { everywhere } });
    } finally {
      dropSession();
    }
  },

  /** @returns {Promise<User>} */
  me: () => json('GET', '/api/auth/me'),

  /** @param {{ current_password: string, new_password: string }} change */
  async changePassword(change) {
    keepSession(await json('PUT', '/api/auth/password', { json: change }));
  },

  /** @param {string} token @returns {Promise<User>} */
  storeGithubToken: (token) => json('PUT', '/api/auth/github-token', { json: { token } }),

  forgetGithubToken: () => json('DELETE', '/api/auth/github-token'),

  /** @param {AbortSignal} [signal] @returns {Promise<Health>} */
  health: (signal) => json('GET', '/health', { isAnonymous: true, accept: [503], signal }),

  /** @param {{ limit?: number, offset?: number, signal?: AbortSignal }} [page] @returns {Promise<DeploymentPage>} */
  async deployments({ limit = 200, offset = 0, signal } = {}) {
    const response = await request('GET', `/deployments?limit=${limit}&offset=${offset}`, { signal });
    const items = /** @type {Deployment[]} */ (await response.json());
    return { items, total: Number(response.headers.get('X-Total-Count') ?? items.length) };
  },

  /** @param {string} name @param {AbortSignal} [signal] @returns {Promise<Deployment>} */
  deployment: (name, signal) => json('GET', at(name), { signal }),

  /**
   * @param {string} name
   * @param {'cancel' | 'redeploy' | 'stop' | 'start' | 'restart'} deed
   * @returns {Promise<any>}
   */
  act: (name, deed) => json('POST', at(name, deed), { timeout: CLONE_MILLISECONDS }),

  /** @param {string} name */
  destroy: (name) => json('DELETE', at(name), { timeout: CLONE_MILLISECONDS }),

  /**
   * @param {string} name
   * @param {{ source?: 'deploy' | 'app', release?: number, after?: number, limit?: number, signal?: AbortSignal }} what
   * @returns {Promise<LogPage>}
   */
  logs: (name, { signal, ...what }) => json('GET', at(name, 'logs') + search(what), { signal }),

  /**
   * The same as text, whole, for a download.
   * @param {string} name
   * @param {{ source?: 'deploy' | 'app', release?: number, limit?: number, after?: number }} what
   */
  async logText(name, what) {
    const path = at(name, 'logs') + search(what);
    return (await request('GET', path, { headers: { Accept: 'text/plain' } })).text();
  },

  /**
   * @param {{ git_url: string, branch?: string, subdirectory?: string, overrides?: Overrides }} source
   * @param {AbortSignal} [signal]
   * @returns {Promise<Plan>}
   */
  plan: (source, signal) => json('POST', '/api/plan', { json: filled(source), signal, timeout: CLONE_MILLISECONDS }),

  /**
   * Begins a deployment. The two environments are the text of `.env` files; `key` is the same where the same is asked
   * for again, and then nothing is deployed twice.
   * @param {{
   *   git_url: string, branch?: string, subdirectory?: string, name?: string, backend_env?: string, frontend_env?: string,
   *   overrides?: string,
   * }} wish
   * @param {string} key
   * @returns {Promise<Deployed>}
   */
  async deploy(wish, key) {
    const headers = { Prefer: 'respond-async', 'Idempotency-Key': key };
    const ask = () => json('POST', '/deploy', { form: wishForm(wish), headers });
    try {
      return await ask();
    } catch (error) {
      if (/** @type {ApiError} */ (error).code !== 'offline') throw error;
      // The answer may be what was lost: with the same key it is given again.
      await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
      return ask();
    }
  },

  /** @returns {Promise<Sample[]>} what this server can deploy for somebody without a repository */
  samples: () => json('GET', '/api/samples'),

  /** @returns {Promise<Host>} */
  host: () => json('GET', '/api/host'),

  /**
   * @param {{ search?: string, page?: number, signal?: AbortSignal }} [what]
   * @returns {Promise<GithubRepositories>}
   */
  githubRepositories: ({ signal, ...what } = {}) => json('GET', '/api/github/repos' + search(what), { signal }),

  /** @param {string} repository `owner/name` @returns {Promise<string[]>} the first hundred */
  async githubBranches(repository) {
    const { branches } = await json('GET', `/api/github/repos/${repository}/branches`);
    return branches.map((/** @type {{ name: string }} */ branch) => branch.name);
  },

  /** @param {string} repository `owner/name` @param {{ path?: string, ref?: string }} where @returns {Promise<string[]>} */
  async githubFolders(repository, where) {
    const { entries } = await json('GET', `/api/github/repos/${repository}/contents` + search(where));
    return entries.flatMap((/** @type {{ path: string, type: string }} */ { path, type }) =>
      type === 'dir' ? path : [],
    );
  },
};

/**
 * A JSON request; null for an answer without a body.
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export async function json(method, path, options) {
  const response = await request(method, path, options);
  return response.status === 204 ? null : response.json();
}

/**
 * A request with the session's token, which is renewed or asked for again where that is needed.
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<Response>}
 */
export async function request(method, path, options = {}) {
  if (options.isAnonymous) return checked(await send(method, path, options, null), options);
  const token = await accessToken();
  const response = await send(method, path, options, token);
  if (response.status !== 401) return checked(response, options);
  return checked(await send(method, path, options, await tokenAfter(token)), options);
}

/**
 * A token that is good for a while yet.
 * @param {number} [seconds] for how long at least
 * @returns {Promise<string>}
 */
export async function accessToken(seconds = RENEW_BEFORE_SECONDS) {
  const session = currentSession();
  if (session && session.expiresAt - Date.now() > seconds * 1000) return session.accessToken;
  return tokenAfter(session?.accessToken ?? null);
}

/**
 * Another token than one that is no longer good: a renewed one, or that of a new log-in.
 * @param {string | null} old
 * @returns {Promise<string>}
 */
export async function tokenAfter(old) {
  const session = currentSession() && (await alone(() => renew(old)));
  return session ? session.accessToken : loggedInAgain();
}

/** @param {string | null} old */
async function renew(old) {
  const session = currentSession();
  if (!session || session.accessToken !== old) return session;
  const options = { json: { refresh_token: session.refreshToken }, isAnonymous: true };
  const response = await send('POST', '/api/auth/refresh', options, null);
  if (response.ok) return keepSession(await response.json());
  if (response.status !== 401) throw await errorOf(response);
  if (currentSession()?.refreshToken !== session.refreshToken) return currentSession();
  dropSession({ hasExpired: true });
  return null;
}

/** Waits until somebody has logged in again. */
function loggedInAgain() {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const session = currentSession();
      if (!session) return;
      clearInterval(timer);
      resolve(session.accessToken);
    }, 250);
    sessionEnded.emit();
  });
}

/**
 * @param {string} path
 * @param {object} credentials
 */
async function startSession(path, credentials) {
  const answer = /** @type {SessionAnswer} */ (await json('POST', path, { json: credentials, isAnonymous: true }));
  keepSession(answer);
  return answer.user;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Options} options
 * @param {string | null} token
 */
async function send(method, path, options, token) {
  const headers = new Headers(options.headers);
  if (!headers.has('Accept')) headers.set('Accept', 'application/json');
  if (token) headers.set('Authorization', `Bearer ${token}`);
  if (options.json !== undefined) headers.set('Content-Type', 'application/json');
  const body = options.json !== undefined ? JSON.stringify(options.json) : options.form;
  const timeout = AbortSignal.timeout(options.timeout ?? TIMEOUT_MILLISECONDS);
  const stop = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  try {
    const response = await fetch(path, { method, headers, body, signal: stop, cache: 'no-store', credentials: 'omit' });
    reachable.set(true);
    return response;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw unreachable(timeout.aborted);
  }
}

/** @param {boolean} isLate */
function unreachable(isLate) {
  if (isLate) {
    const hint = 'Try again; what was begun may still be going on.';
    return new ApiError({ code: 'timeout', message: 'The server took too long to answer.', hint });
  }
  reachable.set(false);
  const hint = 'Check your connection and that the Butler is running, then try again.';
  return new ApiError({ code: 'offline', message: 'The server cannot be reached.', hint });
}

/**
 * @param {Response} response
 * @param {Options} options
 */
async function checked(response, options) {
  if (response.ok || options.accept?.includes(response.status)) return response;
  throw await errorOf(response);
}

/** @param {Response} response */
async function errorOf(response) {
  const body = await response.json().catch(() => null);
  const message = `The server answered with ${response.status}.`;
  const known = body?.error ?? { message, hint: 'Try again in a moment.' };
  const trace_id = known.trace_id || (response.headers.get('X-Request-ID') ?? '');
  return new ApiError({ ...known, trace_id, status: response.status, body });
}

/**
 * @param {string} name
 * @param {string} [deed]
 */
function at(name, deed) {
  return `/deployments/${encodeURIComponent(name)}${deed ? `/${deed}` : ''}`;
}

/** @param {Record<string, string | number | undefined>} values */
function search(values) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  return query.size ? `?${query}` : '';
}

/** @param {Record<string, unknown>} values */
function filled(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value));
}

/** @param {Record<string, string | undefined>} wish */
function wishForm(wish) {
  const form = new FormData();
  for (const [name, value] of Object.entries(filled(wish))) {
    if (name.endsWith('_env')) form.append(name, new Blob([String(value)], { type: 'text/plain' }), `${name}.env`);
    else form.append(name, String(value));
  }
  return form;
}
