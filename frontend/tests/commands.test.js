import { beforeEach, describe, expect, test, vi } from 'vitest';
import { listenForKeys, setKeys } from '../src/js/components/keys.js';
import { startPageKeys } from '../src/js/components/page_keys.js';
import { matching, offerCommands } from '../src/js/lib/commands.js';

vi.mock('../src/js/lib/apps_store.js', () => ({
  allApps: async () => [
    {
      container_name: 'ada-shop-1',
      git_url: 'https://example.org/octo/shop',
      status: 'success',
      phase: 'live',
      live_release: 1,
      release: 1,
      steps: [],
      error: null,
    },
  ],
}));

const press = (key, how = {}) => {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...how });
  (document.activeElement ?? document.body).dispatchEvent(event);
  return event.defaultPrevented;
};

describe('commands', () => {
  const commands = ['Restart', 'Applications', 'Stop', 'Start'].map((word) => ({ word, kind: 'Action', icon: 'x' }));
  const words = (typed) => matching(commands, typed).map(({ word }) => word);

  test('are found by every word, those that begin with it first', () => {
    expect(words('start')).toEqual(['Start', 'Restart']);
    expect(words('action st')).toEqual(['Restart', 'Stop', 'Start']);
    expect(words('nothing')).toEqual([]);
    expect(words('')).toHaveLength(4);
  });
});

describe('keys', () => {
  const assign = vi.fn();
  let isStarted = false;
  beforeEach(() => {
    document.body.replaceChildren();
    assign.mockClear();
    vi.stubGlobal('location', { assign, pathname: '/', search: '', hash: '' });
    setKeys(true);
    if (!isStarted) startPageKeys();
    isStarted = true;
  });

  test('lead elsewhere: g and then where to, n to a new deployment', () => {
    press('g');
    press('a');
    press('n');
    press('a');
    expect(assign.mock.calls.flat()).toEqual(['/applications', '/#deploy']);
  });

  test('do nothing while somebody types, or when they are switched off', () => {
    const input = document.body.appendChild(document.createElement('input'));
    input.focus();
    expect(press('n')).toBe(false);
    input.remove();
    setKeys(false);
    expect(press('n')).toBe(false);
    expect(assign).not.toHaveBeenCalled();
  });

  test('belong to a part of the page before they belong to every page', () => {
    let isThere = true;
    listenForKeys((key) => isThere && key === 'n');
    expect(press('n')).toBe(true);
    isThere = false;
    expect(assign).not.toHaveBeenCalled();
  });

  test('Ctrl+K finds apps, pages and actions, also while shortcuts are off', async () => {
    const run = vi.fn();
    offerCommands(() => [{ word: 'Redeploy', kind: 'Action', icon: 'rocket', run }]);
    setKeys(false);
    press('k', { ctrlKey: true });
    await vi.waitFor(() => expect(document.querySelectorAll('.palette__option').length).toBeGreaterThan(5));
    const input = document.querySelector('.palette input');
    const type = (text) => {
      input.value = text;
      input.dispatchEvent(new Event('input'));
    };
    const active = () => document.getElementById(input.getAttribute('aria-activedescendant')).textContent;
    type('shop');
    expect(active()).toContain('octo/shop');
    type('zzz');
    expect(input.hasAttribute('aria-activedescendant')).toBe(false);
    type('');
    expect(active()).toContain('octo/shop');
    input.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowUp', cancelable: true }));
    expect(active()).toContain('Redeploy');
    input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', cancelable: true }));
    expect(run).toHaveBeenCalledOnce();
    expect(document.querySelector('.palette')).toBeNull();
  });
});
