/** Very many lines in a box that scrolls: only those in view are elements, however long the log is. */

/** @import { Line } from '../lib/log_lines.js' */
import { el } from '../lib/dom.js';
import { place } from '../lib/log_lines.js';

const OVERSCAN_ROWS = 12;
const BOTTOM_SLACK_PIXELS = 6;
/** As many selected rows are kept although they are out of sight. */
const MOST_SELECTED = 2_000;

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
  /** What is known of the lines up to now; it grows with them. @type {{ lines: Line[], first: number, count: number, longest: number }} */
  #laid = { lines: [], first: 0, count: 0, longest: 0 };
  /** How many rows stand before each line; null while each line is one row. @type {number[] | null} */
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

  /** What is selected of this log. */
  get selectedText() {
    return this.isSelected ? String(document.getSelection()) : '';
  }

  /** Number of the line at the top of what is in sight; 0 for none. */
  get firstInView() {
    return this.#lines[this.#lineAt(this.element.scrollTop)]?.seq ?? 0;
  }

  /** Whether text of this log is selected; what is selected is neither made anew nor scrolled away. */
  get isSelected() {
    return this.#selectedRows().length > 0;
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
   * Puts the first line from a number on at the top.
   * @param {number} seq
   */
  toLine(seq) {
    this.element.scrollTop = this.#top(place(this.#lines, seq));
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

  /** Only lines that came since are looked at: a log that grows costs no more when it is long. */
  #lay() {
    const lines = this.#lines;
    const first = lines[0]?.seq ?? 0;
    const isOther = lines !== this.#laid.lines || first !== this.#laid.first || lines.length < this.#laid.count;
    if (isOther || this.#isWrapped !== Boolean(this.#rowsBefore)) {
      this.#laid = { lines, first, count: 0, longest: 0 };
      this.#rowsBefore = this.#isWrapped ? [0] : null;
    }
    for (; this.#laid.count < lines.length; this.#laid.count += 1) this.#measureLine(lines[this.#laid.count].width);
    const wide = `${Math.ceil(this.#laid.longest * this.#charWidth) + 160}px`;
    this.space.style.blockSize = `${this.#top(lines.length)}px`;
    this.space.style.inlineSize = this.#isWrapped ? '' : wide;
  }

  /** @param {number} width in columns */
  #measureLine(width) {
    this.#laid.longest = Math.max(this.#laid.longest, width);
    const rows = this.#rowsBefore;
    rows?.push(/** @type {number} */ (rows.at(-1)) + Math.max(1, Math.ceil(width / this.#columns)));
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
    const [first, end] = this.#withSelection(
      Math.max(0, this.#lineAt(scrollTop) - OVERSCAN_ROWS),
      Math.min(this.#lines.length, this.#lineAt(scrollTop + clientHeight) + OVERSCAN_ROWS),
    );
    this.window.style.transform = `translateY(${this.#top(first)}px)`;
    this.#reconcile(this.#lines.slice(first, end));
  }

  /**
   * The rows from `first` to before `end`, and those that somebody selected text in: without them it would be lost.
   * @param {number} first
   * @param {number} end
   * @returns {[number, number]}
   */
  #withSelection(first, end) {
    const rows = this.#selectedRows();
    if (!rows.length) return [first, end];
    const indexes = rows.map((row) => place(this.#lines, Number(row.dataset.seq)));
    const wider = [Math.min(first, ...indexes), Math.max(end, ...indexes.map((index) => index + 1))];
    return wider[1] - wider[0] > MOST_SELECTED ? [first, end] : [wider[0], wider[1]];
  }

  /** The rows in which a selection begins and ends; none where nothing in this log is selected. */
  #selectedRows() {
    const selection = document.getSelection();
    if (!selection || selection.isCollapsed) return [];
    return [selection.anchorNode, selection.focusNode].flatMap((node) => {
      const element = node instanceof Element ? node : node?.parentElement;
      const row = /** @type {HTMLElement | null | undefined} */ (element?.closest('.log__row'));
      return row && this.window.contains(row) ? [row] : [];
    });
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
