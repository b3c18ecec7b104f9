import { describe, expect, test } from 'vitest';
import { bytes, duration, plural, relativeTime, repositoryName } from '../src/js/lib/format.js';

describe('durations', () => {
  test.each([
    [0, '0.0s'],
    [0.449, '0.4s'],
    [9.99, '9.9s'],
    [42.8, '42s'],
    [83, '1m 23s'],
    [3599, '59m 59s'],
    [7500, '2h 5m'],
    [null, ''],
    [-3, '0.0s'],
  ])('%s seconds are shown as "%s"', (seconds, text) => expect(duration(seconds)).toBe(text));
});

describe('times', () => {
  const now = Date.parse('2026-01-10T12:00:00Z');
  test.each([
    ['2026-01-10T11:59:30Z', 'just now'],
    ['2026-01-10T11:57:00Z', '3 minutes ago'],
    ['2026-01-09T12:00:00Z', 'yesterday'],
    ['2025-01-01T00:00:00Z', 'last year'],
    ['nonsense', ''],
  ])('%s is "%s"', (when, text) => expect(relativeTime(when, now)).toBe(text));
});

test('sizes and counts read naturally', () => {
  expect(bytes(512)).toBe('512 B');
  expect(bytes(3.44 * 2 ** 30)).toBe('3.4 GiB');
  expect(plural(1, 'app')).toBe('1 app');
  expect(plural(1200, 'app')).toBe('1,200 apps');
});

test.each([
  ['https://github.com/user/repo.git', 'user/repo'],
  ['git@example.org:group/sub/repo.git', 'sub/repo'],
  ['ssh://git@example.org:2222/user/repo', 'user/repo'],
  ['file:///srv/git/site', 'git/site'],
])('%s is called %s', (address, name) => expect(repositoryName(address)).toBe(name));
