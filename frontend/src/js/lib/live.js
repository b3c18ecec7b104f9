/** The one WebSocket of a tab: news of the user's apps, and logs that are followed without a gap. */

/** @import { DeploymentNews, LogLine } from '../types' */
import ReconnectingSocket from 'partysocket/ws';
import { accessToken, tokenAfter } from './api.js';
import { currentSession, sessionChanged } from './auth.js';
import { signal, store } from './store.js';

const UNAUTHORISED = 4401;
const FORBIDDEN = 4403;
const SILENT_MILLISECONDS = 50_000;
const RENEW_BEFORE_MILLISECONDS = 90_000;
const BATCH_MILLISECONDS = 16;
const RETRY = { minReconnectionDelay: 500, maxReconnectionDelay: 10_000, reconnectionDelayGrowFactor: 1.3 };

/**
 * @typedef {'idle' | 'connecting' | 'open' | 'reconnecting' | 'refused'} LiveState
 * @typedef {{
 *   release?: number, after?: number, onLines(lines: LogLine[]): void, onEnd?(): void,
 *   onError?(error: { code: string, message: string }): void,
 * }} Following `release` is the release's number, the newest one without it; `onLines` gets each line once, in order.
 * @typedef {{ name: string, how: Following, last: number, releaseId: number | null, waiting: LogLine[], isOver: boolean }} Watch
 */

/** How the socket is. */
export const liveState = /** @type {import('./store.js').Store<LiveState>} */ (store('idle'));

/** When the next try to connect begins, in milliseconds since 1970. */
export const retryAt = store(0);

/** An app of the user changed its state, here or anywhere. */
export const deploymentNews = /** @type {ReturnType<typeof signal<DeploymentNews>>} */ (signal());

/** The socket is back after a gap: what it would have told meanwhile is to be asked for again. */
export const resumed = /** @type {ReturnType<typeof signal<void>>} */ (signal());

/** @type {ReconnectingSocket | null} */
let socket = null;
/** @type {Set<Watch>} */
const watches = new Set();
/** @typedef {{ name: string, last: number, onLines(lines: LogLine[]): void }} AppWatch */
/** @type {Set<AppWatch>} */
const appWatches = new Set();
/** Watches that wait for the server's answer, by app: answers come in the order of the questions. @type {Map<string, Watch[]>} */
const asked = new Map();
let sentToken = '';
let refusedToken = '';
let lastHeard = 0;
let wasOpen = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let renewal;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let delivery;

/** Connect, unless that is done already. */
export function connect() {
  if (socket) return;
  liveState.set('connecting');
  socket = new ReconnectingSocket(address, null, { ...RETRY, maxEnqueuedMessages: 0 });
  socket.addEventListener('open', () => sendToken(refusedToken));
  socket.addEventListener('message', (event) => heard(JSON.parse(event.data)));
  socket.addEventListener('close', closed);
  setInterval(checkPulse, 10_000);
  addEventListener('online', () => socket?.reconnect());
  sessionChanged.on((session) => {
    if (session && session.accessToken !== sentToken && liveState.get() === 'open') sendToken('');
  });
}

/**
 * Follow the log of an app. Lines that were there before come first, from `after` on; after a lost connection it goes
 * on where it was. Returns a function that ends it.
 * @param {string} name
 * @param {Following} how
 * @returns {() => void}
 */
export function follow(name, how) {
  /** @type {Watch} */
  const watch = { name, how, last: how.after ?? 0, releaseId: null, waiting: [], isOver: false };
  watches.add(watch);
  connect();
  if (liveState.get() === 'open') ask(watch);
  return () => {
    watches.delete(watch);
    const isLast = ![...watches].some((other) => other.name === name);
    if (isLast && liveState.get() === 'open') say({ type: 'unwatch', deployment: name });
  };
}

/**
 * Follow what an app writes: its last lines, then each that comes; after a lost connection it goes on where it was.
 * Returns a function that ends it.
 * @param {string} name
 * @param {(lines: LogLine[]) => void} onLines
 * @param {number} [after] the number that was read last
 * @returns {() => void}
 */
export function followApp(name, onLines, after = 0) {
  /** @type {AppWatch} */
  const watch = { name, onLines, last: after };
  appWatches.add(watch);
  connect();
  if (liveState.get() === 'open') askApp(watch);
  return () => {
    appWatches.delete(watch);
    if (liveState.get() === 'open') say({ type: 'unwatch', source: 'app', deployment: name });
  };
}

/** @param {AppWatch} watch */
function askApp({ name, last }) {
  say({ type: 'watch', source: 'app', deployment: name, after: last });
}

/** @param {{ deployment: string, lines: { seq: number, time: string, text: string }[] }} frame */
function takeApp({ deployment, lines }) {
  for (const watch of appWatches) {
    const fresh = lines.filter(({ seq }) => seq > watch.last);
    if (watch.name !== deployment || !fresh.length) continue;
    watch.last = /** @type {{ seq: number }} */ (fresh.at(-1)).seq;
    watch.onLines(fresh.map((line) => ({ ...line, kind: 'line', stage: null, seconds: null, detail: {} })));
  }
}

async function address() {
  if (refusedToken) await tokenAfter(refusedToken);
  else await accessToken();
  refusedToken = '';
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  return `${scheme}://${location.host}/ws/${clientId()}`;
}

/** @param {string} refused */
function sendToken(refused) {
  const session = currentSession();
  if (!session || session.accessToken === refused) return;
  sentToken = session.accessToken;
  lastHeard = Date.now();
  say({ type: 'auth', token: sentToken, batch: true });
}

/** @param {any} frame */
function heard(frame) {
  lastHeard = Date.now();
  if (frame.type === 'events') return take(frame, frame.lines);
  if (frame.type === 'event') return take(frame, [frame]);
  if (frame.type === 'app') return takeApp(frame);
  if (frame.type === 'ping') return say({ type: 'pong' });
  if (frame.type === 'deployment') return deploymentNews.emit(frame);
  if (frame.type === 'ready') return ready(frame.expires_at);
  if (frame.type === 'watching') return answered(frame);
  if (frame.type === 'end') return ended(frame);
  if (frame.type === 'error' && frame.deployment) return refused(frame);
}

/** @param {number} expiresAt seconds since 1970 */
function ready(expiresAt) {
  scheduleRenewal(expiresAt * 1000);
  if (liveState.get() === 'open') return;
  const isBack = wasOpen;
  wasOpen = true;
  liveState.set('open');
  asked.clear();
  for (const watch of watches) if (!watch.isOver) ask(watch);
  for (const watch of appWatches) askApp(watch);
  if (isBack) resumed.emit();
}

/** @param {Watch} watch */
function ask(watch) {
  watch.releaseId = null;
  deliver();
  asked.set(watch.name, [...(asked.get(watch.name) ?? []), watch]);
  say({ type: 'watch', deployment: watch.name, release: watch.how.release ?? null, after: watch.last });
}

/** @param {{ deployment: string, release: number }} frame */
function answered(frame) {
  const watch = asked.get(frame.deployment)?.shift();
  if (watch) watch.releaseId = frame.release;
}

/** @param {{ deployment: string, code: string, message: string }} frame */
function refused(frame) {
  const watch = asked.get(frame.deployment)?.shift();
  if (!watch) return;
  watch.isOver = true;
  watch.how.onError?.(frame);
}

/**
 * @param {{ deployment: string, release: number }} frame
 * @param {LogLine[]} lines
 */
function take(frame, lines) {
  for (const watch of watchesOf(frame)) {
    const fresh = lines.filter(({ seq }) => seq > watch.last);
    if (!fresh.length) continue;
    watch.last = /** @type {LogLine} */ (fresh.at(-1)).seq;
    watch.waiting.push(...fresh);
  }
  delivery ??= setTimeout(deliver, BATCH_MILLISECONDS);
}

/** @param {{ deployment: string, release: number }} frame */
function ended(frame) {
  deliver();
  for (const watch of watchesOf(frame)) {
    watch.isOver = true;
    watch.how.onEnd?.();
  }
}

/** @param {{ deployment: string, release: number }} frame */
function watchesOf(frame) {
  return [...watches].filter((watch) => watch.name === frame.deployment && watch.releaseId === frame.release);
}

function deliver() {
  clearTimeout(delivery);
  delivery = undefined;
  for (const watch of watches) {
    if (watch.waiting.length) watch.how.onLines(watch.waiting.splice(0));
  }
}

/** @param {{ code: number }} event */
function closed(event) {
  clearTimeout(renewal);
  if (event.code === FORBIDDEN) {
    socket?.close();
    return liveState.set('refused');
  }
  if (event.code === UNAUTHORISED) refusedToken = sentToken;
  retryAt.set(Date.now() + retryDelay(socket?.retryCount ?? 0));
  liveState.set('reconnecting');
}

/** How long the socket waits before a try, in milliseconds. @param {number} tries */
function retryDelay(tries) {
  const { minReconnectionDelay, maxReconnectionDelay, reconnectionDelayGrowFactor } = RETRY;
  if (tries < 1) return 0;
  return Math.min(maxReconnectionDelay, minReconnectionDelay * reconnectionDelayGrowFactor ** (tries - 1));
}

/** @param {number} expiresAt */
function scheduleRenewal(expiresAt) {
  clearTimeout(renewal);
  const token = sentToken;
  const wait = Math.max(1_000, expiresAt - Date.now() - RENEW_BEFORE_MILLISECONDS);
  renewal = setTimeout(() => {
    // A renewed token is sent by whoever hears `sessionChanged`; without one the server closes the socket.
    tokenAfter(token).catch(() => {});
  }, wait);
}

function checkPulse() {
  if (liveState.get() === 'open' && Date.now() - lastHeard > SILENT_MILLISECONDS) {
    liveState.set('reconnecting');
    socket?.reconnect();
  }
}

/** @param {object} frame */
function say(frame) {
  socket?.send(JSON.stringify(frame));
}

/** A label for the server's log; it grants nothing. */
function clientId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
