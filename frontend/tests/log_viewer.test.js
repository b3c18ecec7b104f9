import { beforeEach, describe, expect, test, vi } from 'vitest';
import { LogLinks } from '../src/js/components/log_links.js';
import { LogList } from '../src/js/components/log_list.js';
import { logStatus } from '../src/js/components/log_status.js';
import { LogViewer } from '../src/js/components/log_viewer.js';
import { rangeHash, rangeOf, rangeWords, readRange } from '../src/js/lib/line_range.js';
import { retryAt } from '../src/js/lib/live.js';
import { LogLines } from '../src/js/lib/log_lines.js';

const TEXTS = ['INFO ready', 'ERROR one', 'plain', 'WARN two'];
const line = (seq, text = TEXTS[seq % 4], more = {}) => ({
  seq,
  time: '2024-01-15T10:30:00Z',
  kind: 'line',
  stage: 'build',
  text,
  seconds: null,
  detail: {},
  ...more,
});
const lines = (from, to) => Array.from({ length: to - from + 1 }, (_one, index) => line(from + index));
const numbers = (held) => held.map(({ seq }) => seq);

beforeEach(() => {
  document.body.replaceChildren();
  history.replaceState(null, '', '/applications/a');
  vi.stubGlobal(
    'ResizeObserver',
    class {
      observe() {}
    },
  );
});

describe('lines of some levels', () => {
  test('keep their numbers, and what comes is filtered line by line', () => {
    const log = new LogLines();
    log.append(lines(1, 8));
    log.choose(['error', 'warn']);
    expect(numbers(log.shown)).toEqual([1, 3, 5, 7]);
    const before = log.shown;
    log.append(lines(9, 11));
    expect(log.shown).toBe(before);
    expect(numbers(log.shown)).toEqual([1, 3, 5, 7, 9, 11]);
    expect([log.counts.error, log.counts.warn, log.counts.info]).toEqual([3, 3, 2]);
    log.choose([]);
    expect(log.shown).toBe(log.lines);
  });

  test('leave with those that are dropped, and come back with those that are loaded', () => {
    const log = new LogLines();
    log.most = 8;
    log.choose(['error']);
    expect(log.append(lines(1, 12))).toBe(2);
    expect([log.first, numbers(log.shown), log.counts.error]).toEqual([9, [9], 1]);
    expect(log.prepend(lines(3, 8))).toBe(1);
    expect(numbers(log.shown)).toEqual([5, 9]);
    expect([log.has(4), log.indexOf(4), log.indexOf(9)]).toEqual([true, -1, 1]);
  });

  test('are what a search looks through', () => {
    const log = new LogLines();
    log.append(lines(1, 8));
    log.choose(['error']);
    expect(log.search('one')).toEqual([1, 5]);
    expect(log.search('two')).toEqual([]);
  });

  test('tell where the first error of a step stands', () => {
    const log = new LogLines();
    log.append([line(1, 'ERROR x', { stage: 'clone' }), line(2, 'fine'), line(3, 'ERROR y'), line(4, 'ERROR z')]);
    expect([log.firstErrorOf('build'), log.firstErrorOf('start')]).toEqual([3, null]);
  });
});

test('a line that comes costs no look at those that are there, filtered, searched and wrapped too', () => {
  const log = new LogLines();
  log.append(lines(1, 1000));
  log.choose(['error']);
  const list = new LogList({ label: 'Log', makeRow: () => document.createElement('div'), onScroll() {} });
  list.setWrapped(true);
  list.show(log.shown);
  let looks = 0;
  for (const held of log.lines) {
    const { width, plain } = held;
    Object.defineProperty(held, 'width', { get: () => ((looks += 1), width) });
    Object.defineProperty(held, 'plain', { get: () => ((looks += 1), plain) });
  }
  log.append(lines(1001, 1004));
  list.show(log.shown);
  expect(log.search('one', 1000)).toEqual([1001]);
  expect([looks, log.shown.length]).toEqual([0, 251]);
});

describe('lines in an address', () => {
  test.each([
    ['#L120', 120, 120],
    ['#L120-L140', 120, 140],
    ['#L140-L120', 120, 140],
    ['l7-9', 7, 9],
  ])('%s', (text, from, to) => expect(readRange(text)).toEqual({ from, to }));

  test.each(['', '#L0', '#L', '#step-build', '#L1-', '#L1x', 'error L12'])('and no others: %j', (text) =>
    expect(readRange(text)).toBeNull(),
  );

  test('are written and said as they are read', () => {
    expect(rangeHash(rangeOf(9, 4))).toBe('#L4-L9');
    expect(rangeWords(rangeOf(9, 4))).toBe('lines 4 to 9');
    expect([rangeHash(rangeOf(4, 4)), rangeWords(rangeOf(4, 4))]).toEqual(['#L4', 'line 4']);
  });

  test('go on from the line that was marked first, in either direction', () => {
    const links = new LogLinks();
    const click = (seq, shiftKey = false) => {
      const number = document.createElement('a');
      Object.assign(number, { className: 'log__number' }).dataset.number = String(seq);
      const event = new MouseEvent('click', { shiftKey, cancelable: true });
      Object.defineProperty(event, 'target', { value: number });
      const range = links.clicked(event);
      links.mark(range, { isExtended: shiftKey });
      return range;
    };
    expect(click(10)).toEqual({ from: 10, to: 10 });
    expect(click(20, true)).toEqual({ from: 10, to: 20 });
    expect(click(5, true)).toEqual({ from: 5, to: 10 });
    expect(click(12)).toEqual({ from: 12, to: 12 });
    expect([links.has(12), links.has(13)]).toEqual([true, false]);
  });
});

describe('the viewer', () => {
  const make = () => {
    const viewer = new LogViewer({ label: 'Log', emptyText: 'Nothing.', download: async () => {} });
    document.body.append(viewer.element);
    viewer.setState('live');
    return viewer;
  };
  const chip = (viewer, level) => viewer.element.querySelector(`.chip[data-level=${level}]`);
  const status = (viewer) => viewer.element.querySelector('.log__status').textContent;

  test('counts each level on its chip, and shows those that are chosen', () => {
    const viewer = make();
    viewer.add(lines(1, 8));
    expect(chip(viewer, 'error').textContent).toBe('Errors 2');
    expect(chip(viewer, 'all').textContent).toBe('All 8');
    expect([chip(viewer, 'info').hidden, chip(viewer, 'debug').hidden]).toEqual([false, true]);
    chip(viewer, 'error').click();
    expect(status(viewer)).toContain('2 of 8 lines');
    expect(chip(viewer, 'all').getAttribute('aria-pressed')).toBe('false');
    chip(viewer, 'error').click();
    expect(chip(viewer, 'all').getAttribute('aria-pressed')).toBe('true');
    expect(status(viewer)).toContain('8 lines');
  });

  test('says so where no line is of the chosen levels', () => {
    const viewer = make();
    viewer.add([line(1, 'plain')]);
    chip(viewer, 'warn').click();
    expect(viewer.element.querySelector('.log__empty').textContent).toBe('No line is of these levels.');
    expect(viewer.element.querySelector('.log__empty').hidden).toBe(false);
  });

  test('brings all levels back for a line that is linked to', () => {
    const viewer = make();
    viewer.add(lines(1, 8));
    chip(viewer, 'error').click();
    expect(viewer.goTo(rangeOf(2, 4))).toBe(true);
    expect(chip(viewer, 'all').getAttribute('aria-pressed')).toBe('true');
    expect(status(viewer)).toContain('Lines 2 to 4');
    expect(viewer.goTo(rangeOf(99, 99))).toBe(false);
  });

  test('copies the marked lines that are shown, else all that are', async () => {
    const viewer = make();
    const writeText = vi.fn(async () => {});
    vi.stubGlobal('navigator', { clipboard: { writeText } });
    viewer.add(lines(1, 8));
    const copy = viewer.element.querySelector('[data-hook=copy]');
    viewer.goTo(rangeOf(2, 4));
    copy.click();
    await vi.waitFor(() => expect(writeText).toHaveBeenLastCalledWith('plain\nWARN two\nINFO ready'));
    viewer.element.querySelector('.log__clear').click();
    chip(viewer, 'error').click();
    copy.click();
    await vi.waitFor(() => expect(writeText).toHaveBeenLastCalledWith('ERROR one\nERROR one'));
  });
});

describe('the status line', () => {
  const standing = { state: 'live', isPaused: false, waiting: 0, isCut: false, shown: 3, total: 3 };
  const words = (how) => {
    const status = logStatus({ onUnlink() {} });
    status.show({ ...standing, ...how });
    return status.element.querySelector('.log__state').textContent;
  };

  test('says how the lines come', () => {
    expect([words({}), words({ state: 'ended' })]).toEqual(['Live', 'Ended']);
    expect(words({ isPaused: true, waiting: 2 })).toBe('Paused, 2 new lines waiting');
    expect(words({ state: 'ended', isCut: true })).toBe('Truncated');
    expect(words({ isCut: true })).toBe('Live, truncated');
  });

  test('counts down to the next try', () => {
    retryAt.set(Date.now() + 2_900);
    expect(words({ state: 'reconnecting' })).toBe('Reconnecting in 3 s');
    retryAt.set(0);
    expect(words({ state: 'reconnecting' })).toBe('Reconnecting');
  });
});
