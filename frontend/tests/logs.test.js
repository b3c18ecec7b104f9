import { describe, expect, test } from 'vitest';
import { logRow, rangesOf } from '../src/js/components/log_row.js';
import { piecesOf, plainText } from '../src/js/lib/ansi.js';
import { LogLines } from '../src/js/lib/log_lines.js';

const lines = (from, to, text = (seq) => `line ${seq}`) =>
  Array.from({ length: to - from + 1 }, (_one, index) => ({
    seq: from + index,
    time: '2024-01-15T10:30:00Z',
    kind: 'line',
    stage: null,
    text: text(from + index),
    seconds: null,
    detail: {},
  }));

const HOSTILE = '<img src=x onerror=alert(1)>';

describe('colours of a terminal', () => {
  test('become classes', () => {
    expect(piecesOf('\x1b[1;31merror\x1b[0m: no')).toEqual([
      { text: 'error', classes: 'ansi-red ansi-bold' },
      { text: ': no', classes: '' },
    ]);
  });

  test.each([
    ['\x1b[38;5;196mx', 'ansi-red'],
    ['\x1b[38;2;90;250;80mx', 'ansi-bright-green'],
    ['\x1b[48;5;21mx', 'ansi-on-blue'],
    ['\x1b[94mx', 'ansi-bright-blue'],
  ])('of any kind become the nearest of sixteen: %j', (text, classes) => {
    expect(piecesOf(text)).toEqual([{ text: 'x', classes }]);
  });

  test('leave markup as text, and make no links', () => {
    expect(piecesOf(`\x1b[31m${HOSTILE}`)).toEqual([{ text: HOSTILE, classes: 'ansi-red' }]);
    expect(plainText('\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07')).not.toContain('\x1b');
  });
});

describe('the lines of a log', () => {
  test('come once and in order, however they come', () => {
    const log = new LogLines();
    log.append(lines(1, 3));
    log.append(lines(2, 5));
    expect(log.lines.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect([log.first, log.last]).toEqual([1, 5]);
  });

  test('leave at the beginning when there are too many, and can be had back', () => {
    const log = new LogLines();
    log.most = 100;
    expect(log.append(lines(1, 120))).toBe(70);
    expect([log.first, log.last]).toEqual([71, 120]);
    expect(log.indexOf(70)).toBe(-1);
    expect(log.prepend(lines(21, 75))).toBe(50);
    expect([log.first, log.indexOf(75)]).toEqual([21, 54]);
  });

  test('are searched without their colours, and further on when more comes', () => {
    const log = new LogLines();
    log.append(lines(1, 5, (seq) => (seq % 2 ? `\x1b[31mEr\x1b[32mror\x1b[0m ${seq}` : 'fine')));
    expect(log.search('error')).toEqual([1, 3, 5]);
    expect(log.search('error', 3)).toEqual([5]);
    expect(log.search('')).toEqual([]);
  });

  test('show where a failure stands: the last line that holds what is known of it', () => {
    const log = new LogLines();
    log.append(lines(1, 4, (seq) => (seq === 2 || seq === 3 ? 'npm error 404 left-padd' : 'other')));
    log.append([{ ...lines(5, 5)[0], kind: 'failure', text: 'npm error 404 left-padd' }]);
    expect(log.lineOf(['npm error 404 left-padd'])).toBe(3);
    expect(log.lineOf(['nowhere'])).toBe(5);
  });

  test('keep to one row each', () => {
    const log = new LogLines();
    log.append(lines(1, 1, () => 'a\tb\nc\n'));
    expect(log.lines[0].plain).toBe('a    b ↵ c');
  });

  test('know how many columns they take', () => {
    const log = new LogLines();
    log.append(lines(1, 2, (seq) => (seq === 1 ? '\x1b[31mabc\x1b[0m' : '日本')));
    expect(log.lines.map(({ width }) => width)).toEqual([3, 4]);
  });
});

describe('a row', () => {
  const how = { times: 'off', began: 0, search: '', isCurrent: false, isLinked: false, hasLink: true };
  const line = (text) => {
    const log = new LogLines();
    log.append(lines(7, 7, () => text));
    return log.lines[0];
  };

  test('holds text only', () => {
    const row = logRow(line(HOSTILE), how);
    expect(row.querySelector('img')).toBeNull();
    expect(row.querySelector('.log__text').textContent).toBe(HOSTILE);
    expect(row.querySelector('a').getAttribute('href')).toBe('#L7');
  });

  test('marks what was found, also across a change of colour', () => {
    const row = logRow(line('an \x1b[31mer\x1b[32mror\x1b[0m, an Error'), { ...how, search: 'error' });
    expect([...row.querySelectorAll('mark')].map((mark) => mark.textContent)).toEqual(['er', 'ror', 'Error']);
    expect(row.querySelector('.log__text').textContent).toBe('an error, an Error');
  });

  test('tells the time since the log began', () => {
    const row = logRow(line('x'), { ...how, times: 'relative', began: Date.parse('2024-01-15T10:28:37Z') });
    expect(row.querySelector('.log__time').textContent).toBe('+1m 23s');
  });

  test('marks nothing where lower case changes the length', () => {
    expect(rangesOf('İstanbul', 'stan')).toEqual([]);
    expect(rangesOf('aXbx', 'x')).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
});
