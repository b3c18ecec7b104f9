import { expect, test, vi } from 'vitest';
import { reloadOnce } from '../src/js/lib/reload.js';

test('a page that fails is loaded again once, and not over and over', () => {
  vi.useFakeTimers();
  const reload = vi.fn();
  vi.stubGlobal('location', { reload });
  expect(reloadOnce()).toBe(true);
  expect(reloadOnce()).toBe(false);
  vi.advanceTimersByTime(11_000);
  expect(reloadOnce()).toBe(true);
  expect(reload).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});
