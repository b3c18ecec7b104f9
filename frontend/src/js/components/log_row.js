/** One line of a log as a row: its number as a link, its time, its text in colours, and what a search found in it. */

/** @import { Line } from '../lib/log_lines.js' */
import { piecesOf } from '../lib/ansi.js';
import { el } from '../lib/dom.js';
import { clockTime, duration } from '../lib/format.js';

/** @typedef {'off' | 'relative' | 'absolute'} Times */

/**
 * @param {Line} line
 * @param {{ times: Times, began: number, search: string, isCurrent: boolean, isLinked: boolean, hasLink: boolean }} how
 */
export function logRow(line, { times, began, search, isCurrent, isLinked, hasLink }) {
  const number = hasLink ? numberLink(line.seq) : el('span', { class: 'log__number' });
  return el(
    'div',
    {
      class: 'log__row',
      dataset: {
        kind: line.kind,
        seq: String(line.seq),
        level: line.level ?? undefined,
        current: isCurrent ? '' : undefined,
        linked: isLinked ? '' : undefined,
      },
    },
    number,
    times !== 'off' && el('span', { class: 'log__time', text: timeOf(line, times, began) }),
    el('span', { class: 'log__text' }, ...textNodes(line, search)),
  );
}

/** Out of the order of Tab, which would need a thousand steps; typing `L120` into the search leads there too. @param {number} seq */
function numberLink(seq) {
  return el('a', {
    class: 'log__number',
    href: `#L${seq}`,
    tabindex: '-1',
    'aria-label': `Link to line ${seq}`,
    dataset: { number: String(seq) },
  });
}

/**
 * @param {Line} line
 * @param {Times} times
 * @param {number} began
 */
function timeOf({ time }, times, began) {
  if (!time) return '';
  if (times === 'absolute') return clockTime(time);
  return `+${duration(Math.max(0, (Date.parse(time) - began) / 1000))}`;
}

/**
 * @param {Line} line
 * @param {string} search
 */
function textNodes({ text, plain }, search) {
  const ranges = rangesOf(plain, search);
  /** @type {(Node | string)[]} */
  const nodes = [];
  let position = 0;
  for (const piece of piecesOf(text)) {
    const parts = cut(piece.text, position, ranges).map(([part, isFound]) =>
      isFound ? el('mark', { class: 'log__mark', text: part }) : part,
    );
    if (piece.classes) nodes.push(el('span', { class: piece.classes }, ...parts));
    else nodes.push(...parts);
    position += piece.text.length;
  }
  return nodes;
}

/**
 * Where a text stands in a line, from and to.
 * @param {string} plain
 * @param {string} search
 */
export function rangesOf(plain, search) {
  /** @type {[number, number][]} */
  const ranges = [];
  const [wanted, lower] = [search.toLowerCase(), plain.toLowerCase()];
  // A few letters are longer in lower case: then nothing is marked rather than the wrong part.
  if (!wanted || lower.length !== plain.length) return ranges;
  for (let from = lower.indexOf(wanted); from >= 0; from = lower.indexOf(wanted, from + wanted.length)) {
    ranges.push([from, from + wanted.length]);
  }
  return ranges;
}

/**
 * A piece of a line, cut where a range begins and ends.
 * @param {string} text
 * @param {number} position where the piece begins in its line
 * @param {[number, number][]} ranges
 * @returns {[string, boolean][]}
 */
export function cut(text, position, ranges) {
  /** @type {[string, boolean][]} */
  const parts = [];
  let done = 0;
  for (const [from, to] of ranges) {
    const [start, end] = [Math.max(from - position, done), Math.min(to - position, text.length)];
    if (end <= start) continue;
    if (start > done) parts.push([text.slice(done, start), false]);
    parts.push([text.slice(start, end), true]);
    done = end;
  }
  if (done < text.length) parts.push([text.slice(done), false]);
  return parts;
}
