import { beforeEach, expect, test, vi } from 'vitest';

/** A socket that the test speaks through. */
class FakeSocket extends EventTarget {
  static last;
  sent = [];
  constructor(address) {
    super();
    this.address = address;
    FakeSocket.last = this;
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  retryCount = 0;
  close() {}
  reconnect() {}
  hear(frame) {
    this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(frame) }));
  }
  closeWith(code) {
    this.dispatchEvent(Object.assign(new Event('close'), { code }));
  }
}
vi.mock('partysocket/ws', () => ({ default: FakeSocket }));

const app = 'ada-shop-1';
const line = (seq, release = 7) => ({
  type: 'event',
  deployment: app,
  release,
  seq,
  kind: 'line',
  text: `line ${seq}`,
});

/** @type {typeof import('../src/js/lib/live.js')} */
let live;
/** @type {FakeSocket} */
let socket;

beforeEach(async () => {
  vi.resetModules();
  vi.useFakeTimers();
  const { keepSession } = await import('../src/js/lib/auth.js');
  keepSession({ access_token: 'token-1', refresh_token: 'r', expires_in: 1800, user: { username: 'ada' } });
  live = await import('../src/js/lib/live.js');
});

function open() {
  live.connect();
  socket = FakeSocket.last;
  socket.dispatchEvent(new Event('open'));
  socket.hear({ type: 'ready', user: 'ada', expires_at: Date.now() / 1000 + 1800 });
}

test('the token is sent first, never in the address', async () => {
  open();
  expect(socket.sent[0]).toEqual({ type: 'auth', token: 'token-1', batch: true });
  expect(await socket.address()).toMatch(/^ws:\/\/localhost:3000\/ws\/[0-9a-f]{16}$/);
  expect(live.liveState.get()).toBe('open');
});

test('the server hears that the tab is alive', () => {
  open();
  socket.hear({ type: 'ping' });
  expect(socket.sent.at(-1)).toEqual({ type: 'pong' });
});

test('lines that come several in a frame are given once and in order', () => {
  open();
  const lines = [];
  live.follow(app, { onLines: (some) => lines.push(...some.map(({ seq, text }) => `${seq} ${text}`)) });
  socket.hear({ type: 'watching', deployment: app, release: 7, after: 0 });
  const frame = { type: 'events', deployment: app, release: 7 };
  socket.hear({ ...frame, lines: [line(1), line(2)] });
  socket.hear({ ...frame, lines: [line(2), line(3)] });
  socket.hear({ ...frame, release: 6, lines: [line(4, 6)] });
  vi.runOnlyPendingTimers();
  expect(lines).toEqual(['1 line 1', '2 line 2', '3 line 3']);
});

test('each line is given once and in order, though the server starts over', () => {
  open();
  const lines = [];
  live.follow(app, { release: 2, after: 3, onLines: (some) => lines.push(...some.map(({ seq }) => seq)) });
  expect(socket.sent.at(-1)).toEqual({ type: 'watch', deployment: app, release: 2, after: 3 });
  socket.hear(line(1)); // from a following that the server began by itself
  socket.hear({ type: 'watching', deployment: app, release: 7, after: 3 });
  for (const seq of [4, 5, 5, 4, 6]) socket.hear(line(seq));
  socket.hear(line(7, 8)); // another release
  vi.advanceTimersByTime(50);
  expect(lines).toEqual([4, 5, 6]);
});

test('after a lost connection it goes on after the last line, and says that there was a gap', () => {
  open();
  const lines = [];
  const resumed = vi.fn();
  live.resumed.on(resumed);
  live.follow(app, { onLines: (some) => lines.push(...some.map(({ seq }) => seq)) });
  socket.hear({ type: 'watching', deployment: app, release: 7, after: 0 });
  socket.hear(line(1));
  socket.closeWith(1012);
  expect(live.liveState.get()).toBe('reconnecting');
  socket.dispatchEvent(new Event('open'));
  socket.hear({ type: 'ready', user: 'ada', expires_at: Date.now() / 1000 + 1800 });
  expect(socket.sent.at(-1)).toMatchObject({ type: 'watch', deployment: app, after: 1 });
  socket.hear({ type: 'watching', deployment: app, release: 7, after: 1 });
  socket.hear(line(2));
  vi.advanceTimersByTime(50);
  expect(lines).toEqual([1, 2]);
  expect(resumed).toHaveBeenCalledOnce();
});

test('the end comes after the last line, and is not asked for again', () => {
  open();
  const heard = [];
  live.follow(app, { onLines: (some) => heard.push(some.length), onEnd: () => heard.push('end') });
  socket.hear({ type: 'watching', deployment: app, release: 7, after: 0 });
  socket.hear(line(1));
  socket.hear({ type: 'end', deployment: app, release: 7 });
  expect(heard).toEqual([1, 'end']);
  const count = socket.sent.length;
  socket.closeWith(1006);
  socket.dispatchEvent(new Event('open'));
  socket.hear({ type: 'ready', user: 'ada', expires_at: Date.now() / 1000 + 1800 });
  expect(socket.sent.slice(count).map(({ type }) => type)).toEqual(['auth']);
});

test('an app that is not there is told to whoever asked', () => {
  open();
  const onError = vi.fn();
  live.follow('gone', { onLines: () => {}, onError });
  socket.hear({ type: 'error', code: 'not-found', message: 'No.', deployment: 'gone' });
  expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'not-found' }));
});

test('two followings of one app are told apart by the order of the answers', () => {
  open();
  const [one, two] = [vi.fn(), vi.fn()];
  live.follow(app, { release: 1, onLines: one });
  live.follow(app, { release: 2, onLines: two });
  socket.hear({ type: 'watching', deployment: app, release: 7 });
  socket.hear({ type: 'watching', deployment: app, release: 8 });
  socket.hear(line(1, 8));
  vi.advanceTimersByTime(50);
  expect(one).not.toHaveBeenCalled();
  expect(two).toHaveBeenCalledOnce();
});

test('the server is told when the last follower of an app leaves', () => {
  open();
  const leave = [live.follow(app, { onLines: () => {} }), live.follow(app, { onLines: () => {} })];
  leave[0]();
  expect(socket.sent.at(-1).type).toBe('watch');
  leave[1]();
  expect(socket.sent.at(-1)).toEqual({ type: 'unwatch', deployment: app });
});

test('a renewed token reaches the open socket', async () => {
  open();
  const { keepSession } = await import('../src/js/lib/auth.js');
  keepSession({ access_token: 'token-2', refresh_token: 'r', expires_in: 1800, user: { username: 'ada' } });
  expect(socket.sent.at(-1)).toEqual({ type: 'auth', token: 'token-2', batch: true });
});

test('news of an app are passed on, and a refused origin ends it', () => {
  open();
  const news = vi.fn();
  live.deploymentNews.on(news);
  socket.hear({ type: 'deployment', deployment: app, status: 'success', phase: 'live' });
  expect(news).toHaveBeenCalledWith(expect.objectContaining({ phase: 'live' }));
  socket.closeWith(4403);
  expect(live.liveState.get()).toBe('refused');
});

test('when the next try begins is known: at once, then later and later, never more than ten seconds', () => {
  open();
  const waits = [0, 1, 2, 40].map((tries) => {
    socket.retryCount = tries;
    socket.closeWith(1006);
    return live.retryAt.get() - Date.now();
  });
  expect(waits).toEqual([0, 500, 650, 10_000]);
});
