/** Very many lines in a box that scrolls: only those in view are elements, however long the log is. */

/** @import { Line } from '../lib/log_lines.js' */
import { el } from '../lib/dom.js';

const OVERSCAN_ROWS = 12;
const BOTTOM_SLACK_PIXELS = 6;

/**
 * @typedef {{ makeRow(line: Line): HTMLElement, label: string, onScroll(): void }} What
 */

export class LogList {
  /** @type {Line[]} */
  #lines = [];
  #isWrapped = false;
  #columns = 80;
  #rowHeight = 24;
  #charWidth = 8;
  #longest = 0;
  /** How many rows stand before each line; null while each line is one row. @type {Float64Array | null} */
  #rowsBefore = null;
  /** Elements in view by the number of their line. @type {Map<number, HTMLElement>} */
  #shown = new Map();
  #frame = 0;

  /** @param {What} what */
  constructor({ makeRow, label, onScroll }) {
    this.makeRow = makeRow;
    this.probe = el('span', { class: 'log__probe', 'aria-hidden': 'true', text: 'x'.repeat(100) });
    this.space = el('div', { class: 'log__space' });
    this.window = el('div', { class: 'log__window' });
    this.element = el(
      'div',
      { class: 'log__scroll', role: 'log', 'aria-live': 'off', 'aria-label': label, tabindex: '0' },
      this.space,
      this.window,
      this.probe,
    );
    this.element.addEventListener('scroll', () => {
      this.#later();
      onScroll();
    });
    new ResizeObserver(() => this.#measure()).observe(this.element);
  }

  /**
   * Shows these lines; elements of lines that stay are left alone, so that a selection survives.
   * @param {Line[]} lines
   */
  show(lines) {
    this.#lines = lines;
    const digits = String(lines.at(-1)?.seq ?? 1).length;
    this.element.style.setProperty('--digits', String(digits));
    this.#lay();
    this.#later();
  }

  /** Makes every row anew, where what they show has changed. */
  redraw() {
    this.#shown.clear();
    this.window.replaceChildren();
    this.#render();
  }

  /** @param {boolean} isWrapped */
  setWrapped(isWrapped) {
    const top = this.#lineAt(this.element.scrollTop);
    this.#isWrapped = isWrapped;
    this.element.dataset.wrapped = String(isWrapped);
    this.#measure();
    this.element.scrollTop = this.#top(top);
    this.redraw();
  }

  get isAtBottom() {
    const { scrollTop, clientHeight, scrollHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight <= BOTTOM_SLACK_PIXELS;
  }

  toBottom() {
    this.element.scrollTop = this.element.scrollHeight;
    this.#render();
  }

  /**
   * Brings a line into view, unless it is there already.
   * @param {number} index
   */
  reveal(index) {
    const [top, bottom] = [this.#top(index), this.#top(index + 1)];
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop || bottom > scrollTop + clientHeight) {
      this.element.scrollTop = Math.max(0, top - Math.max(0, clientHeight - (bottom - top)) / 3);
    }
    this.element.scrollLeft = 0;
    this.#render();
  }

  /**
   * Keeps what is in view where it is although so many lines left (or, below zero, came) at the beginning.
   * @param {number} change height of what left, in pixels
   */
  shift(change) {
    this.element.scrollTop = Math.max(0, this.element.scrollTop - change);
  }

  /**
   * Height of the first lines.
   * @param {number} count
   */
  heightOf(count) {
    return this.#top(count);
  }

  #measure() {
    if (!this.element.clientHeight) return;
    const probe = this.probe.getBoundingClientRect();
    this.#rowHeight = probe.height || this.#rowHeight;
    this.#charWidth = probe.width / 100 || this.#charWidth;
    const text = this.window.querySelector('.log__text');
    const before = text ? text.getBoundingClientRect().left - this.window.getBoundingClientRect().left : 64;
    const columns = Math.max(10, Math.floor((this.element.clientWidth - before - 12) / this.#charWidth));
    if (columns !== this.#columns) {
      this.#columns = columns;
      if (this.#isWrapped) this.#rowsBefore = null;
    }
    this.#lay();
    this.#later();
  }

  #lay() {
    const { length } = this.#lines;
    if (!this.#isWrapped) this.#rowsBefore = null;
    else this.#rowsBefore = rowsBefore(this.#lines, this.#columns);
    this.#longest = longest(this.#lines, this.#longest);
    this.space.style.blockSize = `${this.#top(length)}px`;
    this.space.style.inlineSize = this.#isWrapped ? '' : `${Math.ceil(this.#longest * this.#charWidth) + 160}px`;
  }

  /** @param {number} index */
  #top(index) {
    const rows = this.#rowsBefore ? this.#rowsBefore[Math.min(index, this.#rowsBefore.length - 1)] : index;
    return rows * this.#rowHeight;
  }

  /** @param {number} pixels */
  #lineAt(pixels) {
    const row = Math.floor(pixels / this.#rowHeight);
    const sums = this.#rowsBefore;
    if (!sums) return Math.min(row, this.#lines.length);
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (sums[middle] <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #later() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => this.#render());
  }

  #render() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { scrollTop, clientHeight } = this.element;
    if (!clientHeight) return;
    const first = Math.max(0, this.#lineAt(scrollTop) - OVERSCAN_ROWS);
    const end = Math.min(this.#lines.length, this.#lineAt(scrollTop + clientHeight) + OVERSCAN_ROWS);
    this.window.style.transform = `translateY(${this.#top(first)}px)`;
    this.#reconcile(this.#lines.slice(first, end));
  }

  /** @param {Line[]} wanted */
  #reconcile(wanted) {
    const numbers = new Set(wanted.map(({ seq }) => seq));
    for (const [seq, row] of this.#shown) {
      if (numbers.has(seq)) continue;
      row.remove();
      this.#shown.delete(seq);
    }
    let next = this.window.firstElementChild;
    for (const line of wanted) {
      const row = this.#shown.get(line.seq);
      if (row) {
        next = row.nextElementSibling;
        continue;
      }
      const made = this.makeRow(line);
      this.#shown.set(line.seq, made);
      this.window.insertBefore(made, next);
    }
  }
}

/**
 * @param {Line[]} lines
 * @param {number} columns
 */
function rowsBefore(lines, columns) {
  const sums = new Float64Array(lines.length + 1);
  for (let index = 0; index < lines.length; index += 1) {
    sums[index + 1] = sums[index] + Math.max(1, Math.ceil(lines[index].width / columns));
  }
  return sums;
}

/**
 * The longest of the lines; those that were measured before count by what is known.
 * @param {Line[]} lines
 * @param {number} known
 */
function longest(lines, known) {
  let most = known;
  for (const { width } of lines) if (width > most) most = width;
  return most;
}
