/** The lines of one log that the page holds: numbered without a gap, searched, and bounded in number. */

/** @import { EventKind, LogLine } from '../types' */
import { plainText } from './ansi.js';

const MOST_LINES = 200_000;
const DROPPED_AT_ONCE = 20_000;

/**
 * @typedef {{ seq: number, time: string, kind: EventKind, text: string, plain: string, width: number }} Line `plain` is
 *   the text without its colours, `width` the columns that it takes.
 */

/**
 * `lines` is in order of the numbers. What goes beyond the bound leaves at the beginning; the server keeps it.
 */
export class LogLines {
  /** @type {Line[]} */
  lines = [];
  most = MOST_LINES;

  /** Number of the first line that is held; 0 for none. */
  get first() {
    return this.lines[0]?.seq ?? 0;
  }

  /** Number of the last line that is held; 0 for none. */
  get last() {
    return this.lines.at(-1)?.seq ?? 0;
  }

  /**
   * Adds lines that follow; those that are there already are left out. Gives how many left at the beginning.
   * @param {LogLine[]} added
   */
  append(added) {
    for (const line of added) if (line.seq > this.last) this.lines.push(shown(line));
    if (this.lines.length <= this.most) return 0;
    const count = this.lines.length - this.most + Math.min(DROPPED_AT_ONCE, this.most >> 1);
    this.lines.splice(0, count);
    return count;
  }

  /**
   * Adds lines that came before those that are held; gives how many.
   * @param {LogLine[]} earlier
   */
  prepend(earlier) {
    const fresh = earlier.filter((line) => !this.first || line.seq < this.first).map(shown);
    this.lines = [...fresh, ...this.lines];
    this.most = Math.max(this.most, this.lines.length);
    return fresh.length;
  }

  clear() {
    this.lines = [];
  }

  /**
   * Where a number stands among the lines; -1 where it is not held.
   * @param {number} seq
   */
  indexOf(seq) {
    let [low, high] = [0, this.lines.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.lines[middle].seq;
      if (found === seq) return middle;
      if (found < seq) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /**
   * Numbers of the lines that hold a text, in order.
   * @param {string} text
   * @param {number} [after] only those with greater numbers
   */
  search(text, after = 0) {
    const wanted = text.toLowerCase();
    /** @type {number[]} */
    const found = [];
    if (!wanted) return found;
    for (const line of this.lines) {
      if (line.seq > after && line.plain.toLowerCase().includes(wanted)) found.push(line.seq);
    }
    return found;
  }

  /**
   * The line that shows an error best: the last one that one of the error's own lines stands in, else the failure.
   * @param {string[]} evidence
   * @returns {number | null}
   */
  lineOf(evidence) {
    const wanted = evidence.map((text) => plainText(text).trim()).filter((text) => text.length > 2);
    for (const one of wanted) {
      const line = this.lines.findLast(({ kind, plain }) => kind !== 'failure' && plain.trim().includes(one));
      if (line) return line.seq;
    }
    const failure = this.lines.findLast(({ kind }) => kind === 'failure' || kind === 'stage-failed');
    return failure?.seq ?? null;
  }
}

/** @param {LogLine} line @returns {Line} */
function shown({ seq, time, kind, text }) {
  const flat = /[\n\t]/.test(text) ? text.replace(/\n+$/, '').replaceAll('\n', ' ↵ ').replaceAll('\t', '    ') : text;
  const plain = plainText(flat);
  return { seq, time, kind, text: flat, plain, width: widthOf(plain) };
}

/** Characters of East Asian scripts and emoji take two columns. @param {string} text */
function widthOf(text) {
  // eslint-disable-next-line no-control-regex
  if (/^[\x00-\u02ff]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += /** @type {number} */ (character.codePointAt(0)) >= 0x1100 ? 2 : 1;
  return width;
}
