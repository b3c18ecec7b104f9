import { describe, expect, test, vi } from 'vitest';
import { idempotencyKey, randomUuid } from '../src/js/lib/idempotency.js';
import { isOverridable, keysOf, refusals, valueAt, withValue } from '../src/js/lib/overrides.js';

describe('overrides', () => {
  test('are read and changed by their dotted names, without touching the old ones', () => {
    const before = { build: { command: 'make' } };
    const after = withValue(before, 'run.port', '4000');
    expect(after).toEqual({ build: { command: 'make' }, run: { port: 4000 } });
    expect(before).toEqual({ build: { command: 'make' } });
    expect(valueAt(after, 'run.port')).toBe('4000');
    expect(valueAt(after, 'run.command')).toBe('');
    expect(keysOf(after)).toEqual(['build.command', 'run.port']);
  });

  test('an empty value takes the key out, and an empty section with it', () => {
    expect(withValue({ run: { port: 1, command: 'x' } }, 'run.port', '')).toEqual({ run: { command: 'x' } });
    expect(withValue({ run: { port: 1 }, release: 'x' }, 'run.port', '')).toEqual({ release: 'x' });
    expect(withValue(null, 'release', '')).toEqual({});
  });

  test('only numbers become numbers, and a version stays text', () => {
    expect(withValue({}, 'run.port', 'web')).toEqual({ run: { port: 'web' } });
    expect(withValue({}, 'build.version', '20')).toEqual({ build: { version: '20' } });
  });

  test('a section in the list opens all of its keys', () => {
    const plan = /** @type {any} */ ({ overridable: ['run.port', 'healthcheck'] });
    expect(['run.port', 'healthcheck.path', 'run.portal', 'run'].map((key) => isOverridable(plan, key))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test('a refusal that is about something else is none of a key', () => {
    expect(refusals({ code: 'clone-refused', message: 'run.port in the request: no' }).size).toBe(0);
    const lines = ['overrides:3: run.port must be a whole number', 'overrides:4: x.y is not a key'];
    expect([...refusals({ code: 'overrides-invalid', message: '', lines }).keys()]).toEqual(['run.port', 'x.y']);
  });
});

describe('the key of a wish', () => {
  test('stays while the content does, and is another one for another', () => {
    const key = idempotencyKey();
    const first = key.for({ a: 1 });
    expect(key.for({ a: 1 })).toBe(first);
    const second = key.for({ a: 2 });
    expect(second).not.toBe(first);
    key.renew();
    expect(key.for({ a: 2 })).not.toBe(second);
  });

  test('is random where the browser gives no UUID, as on plain http', () => {
    vi.stubGlobal('crypto', { getRandomValues: (bytes) => globalThis.crypto && bytes.fill(0xff) });
    expect(randomUuid()).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff');
  });
});
