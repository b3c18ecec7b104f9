/** Lines of a log that an address names: marked, linked to, and copied. */

/** @import { LogLines } from '../lib/log_lines.js' */
/** @import { LineRange } from '../lib/line_range.js' */
import { plural } from '../lib/format.js';
import { rangeHash, rangeOf, rangeWords, readRange } from '../lib/line_range.js';
import { copyText } from './copy.js';
import { toast } from './toast.js';

const REFUSED = 'The browser did not allow copying; it does on https and localhost. Select the text and copy it.';

export class LogLinks {
  /** The lines that are marked. @type {LineRange | null} */
  range = null;

  /** @param {number} seq */
  has(seq) {
    return this.range !== null && seq >= this.range.from && seq <= this.range.to;
  }

  /**
   * What a click on a line's number asks for; with Shift the lines from the marked one to it. Null where the click is
   * the browser's own.
   * @param {MouseEvent} event
   * @returns {LineRange | null}
   */
  clicked(event) {
    const link = event.target instanceof Element ? event.target.closest('a.log__number') : null;
    if (!link || event.ctrlKey || event.metaKey || event.altKey) return null;
    event.preventDefault();
    const seq = Number(/** @type {HTMLElement} */ (link).dataset.number);
    return rangeOf(event.shiftKey && this.range ? this.#anchor : seq, seq);
  }

  /** The line that a range goes on from: the one that was marked first. */
  #anchor = 0;

  /**
   * @param {LineRange | null} range
   * @param {{ isExtended?: boolean }} [how] whether it goes on from the line that was marked first
   */
  mark(range, { isExtended = false } = {}) {
    this.range = range;
    if (!isExtended) this.#anchor = range?.from ?? 0;
  }

  /** Puts the marked lines into the address, and the address into the clipboard. */
  async share() {
    if (!this.range) return;
    history.replaceState(null, '', rangeHash(this.range));
    if (await copyText(location.href)) toast(`The link to ${rangeWords(this.range)} was copied.`, { tone: 'good' });
  }

  /** No line is marked any more, in the address neither. */
  clear() {
    this.mark(null);
    if (readRange(location.hash)) history.replaceState(null, '', location.pathname + location.search);
  }

  /**
   * Copies what is selected; else the marked lines; else all that are shown.
   * @param {LogLines} log
   * @param {string} selected
   */
  async copy(log, selected) {
    const lines = this.range ? log.between(this.range.from, this.range.to) : log.shown;
    const text = selected || lines.map(({ plain }) => plain).join('\n');
    const what = selected
      ? 'The selected text was'
      : `${plural(lines.length, 'line')} ${lines.length === 1 ? 'was' : 'were'}`;
    const isCopied = text !== '' && (await copyText(text));
    toast(isCopied ? `${what} copied.` : text ? REFUSED : 'There is nothing to copy.', {
      tone: isCopied ? 'good' : 'bad',
    });
  }
}
