import { beforeEach, describe, expect, test, vi } from 'vitest';
import { appState, badge, isServedByOlder, releaseState, setBadge } from '../src/js/components/badge.js';
import { busyWhile, confirmDialog } from '../src/js/components/dialog.js';
import { errorCard } from '../src/js/components/error_card.js';
import { tabBar } from '../src/js/components/tabs.js';
import { queryState } from '../src/js/lib/query.js';

const app = {
  container_name: 'a',
  status: 'success',
  phase: 'live',
  live_release: 2,
  release: 2,
  steps: [],
  error: null,
};
const error = { code: 'build-failed', message: 'm', hint: 'h', lines: [] };
beforeEach(() => document.body.replaceChildren());

describe('a state is a word', () => {
  test.each([
    [app, 'Live', 'Deployed'],
    [{ ...app, phase: 'stopped' }, 'Stopped', 'Deployed'],
    [{ ...app, phase: 'deleting' }, 'Destroying', 'Deployed'],
    [{ ...app, status: 'starting', phase: 'queued', live_release: null }, 'Queued', 'Queued'],
    [{ ...app, status: 'starting', phase: 'build', live_release: null }, 'Building', 'Building'],
    [{ ...app, status: 'starting', phase: 'build', release: 3 }, 'Live', 'Building'],
    [
      { ...app, status: 'failed', live_release: null, error, steps: [{ stage: 'build', state: 'failed' }] },
      'Not running',
      'Build failed',
    ],
    [{ ...app, release: 3, error, steps: [{ stage: 'verify', state: 'failed' }] }, 'Live', 'Check failed'],
    [{ ...app, release: 3, error: { ...error, code: 'cancelled' } }, 'Live', 'Cancelled'],
  ])('%#', (one, standing, newest) => {
    expect(appState(one).word).toBe(standing);
    expect(releaseState(one).word).toBe(newest);
  });

  test('an older release that still serves is told apart', () => {
    expect(isServedByOlder(app)).toBe(false);
    expect(isServedByOlder({ ...app, release: 3, error })).toBe(true);
  });

  test('a badge has an icon and the word, and is left alone while nothing changes', () => {
    const element = badge(appState(app));
    const before = element.firstChild;
    setBadge(element, appState(app));
    expect(element.firstChild).toBe(before);
    expect(element.querySelector('use').getAttribute('href')).toMatch(/#circle-dot$/);
  });
});

describe('tabs', () => {
  const make = () => {
    const onSelect = vi.fn();
    const tabs = ['one', 'two', 'three'].map((name) => ({ name, label: name, panel: document.createElement('div') }));
    const bar = tabBar({ label: 'Parts', tabs, onSelect });
    document.body.append(bar.element, ...bar.panels);
    return { ...bar, onSelect };
  };
  const press = (element, key) =>
    element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));

  test('arrow keys, Home and End move and choose', () => {
    const { element, panels, onSelect } = make();
    press(element, 'ArrowRight');
    expect(document.activeElement.textContent).toBe('two');
    press(element, 'End');
    press(element, 'ArrowRight');
    press(element, 'ArrowLeft');
    expect(onSelect.mock.calls.flat()).toEqual(['two', 'three', 'one', 'three']);
    expect(panels.map(({ hidden }) => hidden)).toEqual([true, true, false]);
  });

  test('one tab is in the tab order, and names its panel', () => {
    const { element, panels, select, onSelect } = make();
    select('two');
    const buttons = [...element.children];
    expect(buttons.map(({ tabIndex }) => tabIndex)).toEqual([-1, 0, -1]);
    expect(buttons[1].getAttribute('aria-controls')).toBe(panels[1].id);
    expect(onSelect).not.toHaveBeenCalled();
  });
});

describe('a question before a deed', () => {
  const open = (what) => {
    const done = confirmDialog({ title: 'Destroy?', body: ['It goes.'], confirm: 'Destroy', ...what });
    const dialog = document.querySelector('dialog');
    const [yes] = dialog.querySelectorAll('[type=submit]');
    const submit = () => dialog.querySelector('form').dispatchEvent(new Event('submit', { cancelable: true }));
    return { done, dialog, yes, submit, input: dialog.querySelector('input') };
  };

  test('waits for the name, and then does it once', async () => {
    const deed = vi.fn(async () => {});
    const { done, yes, submit, input } = open({ typed: 'ada-shop', deed });
    submit();
    expect(yes.disabled).toBe(true);
    expect(deed).not.toHaveBeenCalled();
    input.value = 'ada-shop';
    input.dispatchEvent(new Event('input'));
    expect(yes.disabled).toBe(false);
    submit();
    submit();
    expect(await done).toBe(true);
    expect(deed).toHaveBeenCalledOnce();
  });

  test('says what the deed failed of, and stays', async () => {
    const failing = vi.fn().mockRejectedValue(Object.assign(new Error('Docker is down.'), { hint: 'Start it.' }));
    const { dialog, submit } = open({ deed: failing });
    submit();
    await vi.waitFor(() => expect(dialog.textContent).toContain('Docker is down. Start it.'));
    expect(dialog.isConnected).toBe(true);
  });

  test('does nothing when it is cancelled', async () => {
    const deed = vi.fn();
    const { done, dialog } = open({ deed });
    dialog.querySelector('.button[type=button]').click();
    expect(await done).toBe(false);
    expect(deed).not.toHaveBeenCalled();
  });
});

test('a busy button starts nothing twice, and is free again after a failure', async () => {
  const button = document.createElement('button');
  let finish;
  const work = vi.fn(() => new Promise((_resolve, reject) => (finish = reject)));
  const first = busyWhile(button, work).catch(() => {});
  await busyWhile(button, work);
  expect(work).toHaveBeenCalledOnce();
  finish(new Error('no'));
  await first;
  expect(button.hasAttribute('aria-disabled')).toBe(false);
});

test('an error card shows lines and the trace id as text', () => {
  const card = errorCard({ message: '<b>no</b>', hint: 'do', lines: ['<script>x</script>'], traceId: 'abc' });
  expect(card.querySelector('b, script')).toBeNull();
  expect(card.textContent).toContain('<script>x</script>');
  expect(card.textContent).toContain('abc');
});

test('a view kept in the address leaves out what is usual, and the Back button is heard', () => {
  const state = queryState({ q: '', sort: 'newest' });
  const heard = vi.fn();
  state.subscribe(heard);
  state.set({ q: 'a b', sort: 'name' });
  expect(location.search).toBe('?q=a+b&sort=name');
  state.set({ sort: 'newest' });
  expect(location.search).toBe('?q=a+b');
  expect(state.get()).toEqual({ q: 'a b', sort: 'newest' });
  expect(heard).toHaveBeenCalledTimes(2);
  state.set({ q: 'a b' });
  expect(heard).toHaveBeenCalledTimes(2);
});
