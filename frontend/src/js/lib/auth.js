/** The session of this browser; the only module that keeps tokens (in localStorage, shared by all tabs). */

/** @import { Session, SessionAnswer } from '../types' */
import { signal } from './store.js';

const KEY = 'butler.session';
const FLAG = 'butler.signed-in';
const LOCK = 'butler.renewal';
const LOCK_MILLISECONDS = 15_000;

/** Tells when somebody logged in or out, or tokens were renewed, here or in another tab. */
export const sessionChanged = /** @type {ReturnType<typeof signal<Session | null>>} */ (signal());

/** @type {Session | null} */
let withoutStorage = null;
let username = currentSession()?.username ?? '';

/** @returns {Session | null} */
export function currentSession() {
  try {
    const text = localStorage.getItem(KEY);
    const found = text ? JSON.parse(text) : null;
    return typeof found?.accessToken === 'string' && typeof found.refreshToken === 'string' ? found : null;
  } catch {
    return withoutStorage;
  }
}

/** @param {SessionAnswer} answer */
export function keepSession(answer) {
  const session = {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    expiresAt: Date.now() + answer.expires_in * 1000,
    username: answer.user.username,
  };
  write(session);
  return session;
}

/**
 * Forget the session. One that `hasExpired` leaves the pages as they are, to be gone on with after a new log-in; other
 * tabs leave theirs where somebody logged out.
 * @param {{ hasExpired?: boolean }} [how]
 */
export function dropSession({ hasExpired = false } = {}) {
  write(null, hasExpired);
}

/** Who was logged in here last, as far as this page knows. */
export function lastUsername() {
  return username;
}

/**
 * Do something that no other tab does at the same time: a renewal token works once, and a second use ends the log-in.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function alone(work) {
  // Browsers have locks on https and localhost only.
  if (navigator.locks) return navigator.locks.request(LOCK, work);
  const ours = `${Math.random()}`;
  while (!takeLock(ours)) await new Promise((resolve) => setTimeout(resolve, 100));
  try {
    return await work();
  } finally {
    releaseLock(ours);
  }
}

addEventListener('storage', (event) => {
  if (event.key === FLAG && event.newValue === null) location.assign('/');
  else if (event.key === KEY || event.key === null) announce(currentSession());
});

/**
 * @param {Session | null} session
 * @param {boolean} [keepsFlag]
 */
function write(session, keepsFlag = false) {
  withoutStorage = session;
  try {
    if (session) {
      localStorage.setItem(KEY, JSON.stringify(session));
      localStorage.setItem(FLAG, '1');
    } else {
      localStorage.removeItem(KEY);
      if (!keepsFlag) localStorage.removeItem(FLAG);
    }
  } catch {
    // Kept in memory until the page is left.
  }
  announce(session);
}

/** @param {Session | null} session */
function announce(session) {
  if (session) username = session.username;
  sessionChanged.emit(session);
}

/** @param {string} ours */
function takeLock(ours) {
  try {
    const [holder, since] = (localStorage.getItem(LOCK) ?? '').split(' ');
    if (holder && holder !== ours && Date.now() - Number(since) < LOCK_MILLISECONDS) return false;
    localStorage.setItem(LOCK, `${ours} ${Date.now()}`);
    return localStorage.getItem(LOCK)?.startsWith(ours) ?? true;
  } catch {
    return true;
  }
}

/** @param {string} ours */
function releaseLock(ours) {
  try {
    if (localStorage.getItem(LOCK)?.startsWith(ours)) localStorage.removeItem(LOCK);
  } catch {
    // Nothing was locked.
  }
}
