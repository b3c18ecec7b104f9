/** The lines of one log that the page holds: numbered without a gap, searched, and bounded in number. */

/** @import { EventKind, LogLine, Stage } from '../types' */
/** @import { Level } from './log_level.js' */
import { plainText } from './ansi.js';
import { levelOf } from './log_level.js';

const MOST_LINES = 200_000;
const DROPPED_AT_ONCE = 20_000;

/**
 * @typedef {{ seq: number, time: string, kind: EventKind, stage: Stage | null, text: string, plain: string, width: number,
 *   level: Level | null }} Line `plain` is the text without its colours, `width` the columns that it takes.
 */

/**
 * `lines` is in order of the numbers. What goes beyond the bound leaves at the beginning; the server keeps it. `shown`
 * are those of the chosen levels: the same list while all are. Both and `counts` are kept true line by line.
 */
export class LogLines {
  /** @type {Line[]} */
  lines = [];
  /** @type {Line[]} */
  shown = this.lines;
  /** How many lines of each level are held. @type {Record<Level, number>} */
  counts = { error: 0, warn: 0, info: 0, debug: 0 };
  /** Whether the server cut the log, since it was too long. */
  isCut = false;
  most = MOST_LINES;
  /** Those that are chosen; none means all. @type {Set<Level>} */
  #levels = new Set();

  /** Number of the first line that is held; 0 for none. */
  get first() {
    return this.lines[0]?.seq ?? 0;
  }

  /** Number of the last line that is held; 0 for none. */
  get last() {
    return this.lines.at(-1)?.seq ?? 0;
  }

  /** @param {Iterable<Level>} levels none means all */
  choose(levels) {
    this.#levels = new Set(levels);
    this.shown = this.#levels.size ? this.lines.filter((line) => this.#isChosen(line)) : this.lines;
  }

  /**
   * Adds lines that follow; those that are there already are left out. Gives how many of those that are shown left at
   * the beginning.
   * @param {LogLine[]} added
   */
  append(added) {
    for (const one of added) {
      if (one.seq <= this.last) continue;
      if (one.detail?.cut === true) this.isCut = true;
      const line = lineOf(one);
      this.lines.push(line);
      this.#count(line, 1);
      if (this.shown !== this.lines && this.#isChosen(line)) this.shown.push(line);
    }
    if (this.lines.length <= this.most) return 0;
    return this.#drop(this.lines.length - this.most + Math.min(DROPPED_AT_ONCE, this.most >> 1));
  }

  /**
   * Adds lines that came before those that are held; gives how many of them are shown.
   * @param {LogLine[]} earlier
   */
  prepend(earlier) {
    const fresh = earlier.filter((line) => !this.first || line.seq < this.first).map(lineOf);
    for (const line of fresh) this.#count(line, 1);
    const before = this.shown.length;
    this.lines = [...fresh, ...this.lines];
    this.choose(this.#levels);
    this.most = Math.max(this.most, this.lines.length);
    return this.shown.length - before;
  }

  clear() {
    this.lines = [];
    this.counts = { error: 0, warn: 0, info: 0, debug: 0 };
    this.isCut = false;
    this.choose(this.#levels);
  }

  /**
   * Where a number stands among the lines that are shown; -1 where it is not.
   * @param {number} seq
   */
  indexOf(seq) {
    const index = place(this.shown, seq);
    return this.shown[index]?.seq === seq ? index : -1;
  }

  /**
   * Whether a line is held, shown or not.
   * @param {number} seq
   */
  has(seq) {
    return this.lines[place(this.lines, seq)]?.seq === seq;
  }

  /**
   * The lines that are shown of those from one number to another.
   * @param {number} from
   * @param {number} to
   */
  between(from, to) {
    return this.shown.slice(place(this.shown, from), place(this.shown, to + 1));
  }

  /**
   * Numbers of the lines that are shown and hold a text, in order.
   * @param {string} text
   * @param {number} [after] only those with greater numbers
   */
  search(text, after = 0) {
    const wanted = text.toLowerCase();
    /** @type {number[]} */
    const found = [];
    if (!wanted) return found;
    for (let index = place(this.shown, after + 1); index < this.shown.length; index += 1) {
      const { seq, plain } = this.shown[index];
      if (plain.toLowerCase().includes(wanted)) found.push(seq);
    }
    return found;
  }

  /**
   * The first line of a step that tells an error; null where none does.
   * @param {Stage} stage
   */
  firstErrorOf(stage) {
    return this.lines.find((line) => line.stage === stage && line.level === 'error')?.seq ?? null;
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

  /** @param {number} count */
  #drop(count) {
    for (const line of this.lines.splice(0, count)) this.#count(line, -1);
    if (this.shown === this.lines) return count;
    return this.shown.splice(0, place(this.shown, this.first)).length;
  }

  /** @param {Line} line @param {1 | -1} step */
  #count({ level }, step) {
    if (level) this.counts[level] += step;
  }

  /** @param {Line} line */
  #isChosen({ level }) {
    return level !== null && this.#levels.has(level);
  }
}

/**
 * Where a number stands, or would stand, in lines that are in order.
 * @param {Line[]} lines
 * @param {number} seq
 */
export function place(lines, seq) {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lines[middle].seq < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @param {LogLine} line @returns {Line} */
function lineOf({ seq, time, kind, stage, text }) {
  const flat = /[\n\t]/.test(text) ? text.replace(/\n+$/, '').replaceAll('\n', ' ↵ ').replaceAll('\t', '    ') : text;
  const plain = plainText(flat);
  return { seq, time, kind, stage, text: flat, plain, width: widthOf(plain), level: levelOf(plain, kind) };
}

/** Characters of East Asian scripts and emoji take two columns. @param {string} text */
function widthOf(text) {
  // eslint-disable-next-line no-control-regex
  if (/^[\x00-\u02ff]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += /** @type {number} */ (character.codePointAt(0)) >= 0x1100 ? 2 : 1;
  return width;
}
