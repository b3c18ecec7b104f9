import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError, api, reachable, request, sessionEnded, tokenAfter } from '../src/js/lib/api.js';
import { currentSession, dropSession, keepSession } from '../src/js/lib/auth.js';

const user = { username: 'ada' };
const session = (n, seconds = 1800) => ({
  access_token: `access-${n}`,
  refresh_token: `refresh-${n}`,
  expires_in: seconds,
  user,
});
const answer = (body, status = 200, headers = {}) =>
  new Response(body === null ? null : JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
  });

/** @type {import('vitest').Mock} */
let server;
beforeEach(() => {
  localStorage.clear();
  dropSession();
  reachable.set(true);
  server = vi.fn();
  vi.stubGlobal('fetch', server);
});
afterEach(() => vi.unstubAllGlobals());

const sent = (index) => {
  const [path, { method, headers, body }] = server.mock.calls[index];
  return { path, method, token: headers.get('Authorization'), body };
};

describe('requests', () => {
  test('carry the access token, and no cookies', async () => {
    keepSession(session(1));
    server.mockResolvedValueOnce(answer([]));
    await api.deployments();
    expect(sent(0)).toMatchObject({ method: 'GET', token: 'Bearer access-1' });
    expect(server.mock.calls[0][1].credentials).toBe('omit');
  });

  test('a name from outside cannot leave its place in the address', async () => {
    keepSession(session(1));
    server.mockResolvedValueOnce(answer({}));
    await api.deployment('../api/auth/me?x#y');
    expect(sent(0).path).toBe('/deployments/..%2Fapi%2Fauth%2Fme%3Fx%23y');
  });

  test('a refusal becomes an ApiError with all that it says', async () => {
    keepSession(session(1));
    const error = { code: 'conflict', message: 'Busy.', hint: 'Wait.', lines: ['a'], trace_id: 't' };
    server.mockResolvedValueOnce(answer({ error }, 409));
    await expect(api.act('app', 'stop')).rejects.toMatchObject({
      code: 'conflict',
      message: 'Busy.',
      hint: 'Wait.',
      lines: ['a'],
      traceId: 't',
      status: 409,
    });
  });

  test('an answer that is no JSON is an ApiError too', async () => {
    keepSession(session(1));
    server.mockResolvedValueOnce(
      new Response('<html>Bad gateway</html>', { status: 502, headers: { 'X-Request-ID': 'abc' } }),
    );
    await expect(api.me()).rejects.toMatchObject({ name: 'ApiError', status: 502, traceId: 'abc' });
  });

  test('a server that cannot be reached is said, and noticed when it is back', async () => {
    keepSession(session(1));
    server.mockRejectedValueOnce(new TypeError('failed'));
    await expect(api.me()).rejects.toBeInstanceOf(ApiError);
    expect(reachable.get()).toBe(false);
    server.mockResolvedValueOnce(answer({}));
    await api.me();
    expect(reachable.get()).toBe(true);
  });

  test('health is told also where it is bad', async () => {
    server.mockResolvedValueOnce(answer({ status: 'degraded' }, 503));
    expect((await api.health()).status).toBe('degraded');
  });

  test('a deployment sends env files as files, and leaves out what is empty', async () => {
    keepSession(session(1));
    server.mockResolvedValueOnce(answer({}, 202));
    await api.deploy({ git_url: 'https://x.org/a', branch: '', backend_env: 'A=1\n', frontend_env: '' }, 'key-1');
    const { body } = sent(0);
    expect([...body.keys()]).toEqual(['git_url', 'backend_env']);
    expect(await body.get('backend_env').text()).toBe('A=1\n');
    expect(server.mock.calls[0][1].headers.get('Prefer')).toBe('respond-async');
    expect(server.mock.calls[0][1].headers.get('Idempotency-Key')).toBe('key-1');
  });

  test('a deployment whose answer is lost is asked for once more, by the same key', async () => {
    vi.useFakeTimers();
    keepSession(session(1));
    server.mockRejectedValueOnce(new TypeError('reset')).mockResolvedValueOnce(answer({ release: 1 }, 202));
    const deployed = api.deploy({ git_url: 'https://x.org/a' }, 'key-1');
    await vi.runAllTimersAsync();
    expect(await deployed).toEqual({ release: 1 });
    expect(server.mock.calls.map(([, { headers }]) => headers.get('Idempotency-Key'))).toEqual(['key-1', 'key-1']);
    vi.useRealTimers();
  });

  test('a refused deployment is not asked for again', async () => {
    keepSession(session(1));
    server.mockResolvedValueOnce(answer({ error: { code: 'invalid-request', message: 'No.' } }, 422));
    await expect(api.deploy({ git_url: 'x' }, 'key-1')).rejects.toMatchObject({ status: 422 });
    expect(server).toHaveBeenCalledTimes(1);
  });
});

describe('the session', () => {
  test('is renewed before it runs out', async () => {
    keepSession(session(1, 60));
    server.mockResolvedValueOnce(answer(session(2))).mockResolvedValueOnce(answer({}));
    await api.me();
    expect(JSON.parse(sent(0).body)).toEqual({ refresh_token: 'refresh-1' });
    expect(sent(1).token).toBe('Bearer access-2');
  });

  test('is renewed once, however many requests need it: a renewal token works once', async () => {
    keepSession(session(1, 1));
    server.mockImplementation(async (path) => answer(path === '/api/auth/refresh' ? session(2) : {}));
    await Promise.all([api.me(), api.me(), api.deployments().catch(() => {})]);
    expect(server.mock.calls.filter(([path]) => path === '/api/auth/refresh')).toHaveLength(1);
  });

  test('a refused token is renewed, and the request sent again', async () => {
    keepSession(session(1));
    server
      .mockResolvedValueOnce(answer({}, 401))
      .mockResolvedValueOnce(answer(session(2)))
      .mockResolvedValueOnce(answer({ username: 'ada' }));
    expect(await api.me()).toEqual({ username: 'ada' });
    expect(sent(2).token).toBe('Bearer access-2');
  });

  test('a token that another tab renewed meanwhile is taken as it is', async () => {
    keepSession(session(2));
    expect(await tokenAfter('access-1')).toBe('access-2');
    expect(server).not.toHaveBeenCalled();
  });

  test('that has ended is asked for again, and the request goes on after the log-in', async () => {
    keepSession(session(1, 1));
    document.documentElement.dataset.session = 'in';
    const asked = vi.fn(() => keepSession(session(3)));
    const stop = sessionEnded.on(asked);
    server.mockResolvedValueOnce(answer({}, 401)).mockResolvedValueOnce(answer({ username: 'ada' }));
    expect(await api.me()).toEqual({ username: 'ada' });
    expect(asked).toHaveBeenCalledOnce();
    expect(sent(1).token).toBe('Bearer access-3');
    expect(document.documentElement.dataset.session).toBe('in');
    stop();
  });

  test('is kept when the renewal fails for want of a network', async () => {
    keepSession(session(1, 1));
    server.mockRejectedValueOnce(new TypeError('failed'));
    await expect(api.me()).rejects.toMatchObject({ code: 'offline' });
    expect(currentSession()?.refreshToken).toBe('refresh-1');
  });

  test('is gone after logging out, also where the server does not hear of it', async () => {
    keepSession(session(1));
    server.mockRejectedValueOnce(new TypeError('failed'));
    await expect(api.logout()).rejects.toBeInstanceOf(ApiError);
    expect(currentSession()).toBeNull();
    expect(localStorage.getItem('butler.signed-in')).toBeNull();
  });

  test('text that somebody put into the storage is no session', () => {
    localStorage.setItem('butler.session', '{"accessToken":1}');
    expect(currentSession()).toBeNull();
    localStorage.setItem('butler.session', 'nonsense');
    expect(currentSession()).toBeNull();
  });
});

test('a request that was given up raises what the browser raises', async () => {
  keepSession(session(1));
  const control = new AbortController();
  server.mockImplementation(async () => {
    control.abort();
    throw new DOMException('aborted', 'AbortError');
  });
  await expect(request('GET', '/x', { signal: control.signal })).rejects.toMatchObject({ name: 'AbortError' });
  expect(reachable.get()).toBe(true);
});
