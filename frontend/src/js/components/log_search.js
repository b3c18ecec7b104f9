/** The search of a log: what matches, which match is the current one, and the way from one to the next. */

/** @import { LogLines } from '../lib/log_lines.js' */
/** @import { LineRange } from '../lib/line_range.js' */
import { debounce, hook } from '../lib/dom.js';
import { readRange } from '../lib/line_range.js';

const SEARCH_MILLISECONDS = 120;

export class LogSearch {
  text = '';
  /** @type {number[]} */
  #matches = [];
  #match = -1;

  /**
   * @param {{
   *   toolbar: HTMLElement, log: LogLines, firstInView(): number, onChange(): void, onMove(seq: number): void,
   *   onLines(range: LineRange): void,
   * }} how `onChange`: rows look different now; `onMove`: a match is to be shown; `onLines`: somebody typed `L120`
   */
  constructor({ toolbar, log, firstInView, onChange, onMove, onLines }) {
    this.toolbar = toolbar;
    this.log = log;
    this.firstInView = firstInView;
    this.onChange = onChange;
    this.onMove = onMove;
    this.onLines = onLines;
    this.input = /** @type {HTMLInputElement} */ (hook('search', toolbar));
    this.input.addEventListener(
      'input',
      debounce(() => this.find(this.input.value), SEARCH_MILLISECONDS),
    );
    this.input.addEventListener('keydown', (event) => this.#pressed(event));
    hook('previous', toolbar).addEventListener('click', () => this.step(-1));
    hook('next', toolbar).addEventListener('click', () => this.step(1));
  }

  /** Looks for a text in everything that is shown. */
  find(text = this.text) {
    const hasChanged = text !== this.text;
    this.text = text;
    this.#matches = this.log.search(text);
    if (hasChanged) this.#match = this.#nearest();
    else this.#match = Math.min(this.#match, this.#matches.length - 1);
    this.#show(hasChanged);
    this.onChange();
  }

  /**
   * The same in lines that came.
   * @param {number} after
   */
  findMore(after) {
    if (!this.text) return;
    this.#matches.push(...this.log.search(this.text, after));
    if (this.#match < 0 && this.#matches.length) this.#match = 0;
    this.#show(false);
  }

  /** @param {number} step */
  step(step) {
    const count = this.#matches.length;
    if (!count) return;
    this.#match = (this.#match + step + count) % count;
    this.#show(true);
    this.onChange();
  }

  /** @param {number} seq */
  isCurrent(seq) {
    return this.text !== '' && this.#matches[this.#match] === seq;
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const { input } = this;
    if (event.key === 'Enter') {
      event.preventDefault();
      const range = readRange(input.value.replace(/^[#:]?(?=\d)/, 'L'));
      if (range && /^[#:l]/i.test(input.value.trim())) this.onLines(range);
      else if (input.value !== this.text) this.find(input.value);
      else this.step(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape' && input.value) {
      event.stopPropagation();
      input.value = '';
      this.find('');
    }
  }

  /** The first match from what is in view on. */
  #nearest() {
    const seq = this.firstInView();
    const index = this.#matches.findIndex((match) => match >= seq);
    return index < 0 && this.#matches.length ? 0 : index;
  }

  /** @param {boolean} isMoving */
  #show(isMoving) {
    const count = this.#matches.length;
    const found = count ? `${(this.#match + 1).toLocaleString('en')} of ${count.toLocaleString('en')}` : 'No match';
    hook('matches', this.toolbar).textContent = this.text ? found : '';
    for (const name of ['previous', 'next']) {
      /** @type {HTMLButtonElement} */ (hook(name, this.toolbar)).disabled = count === 0;
    }
    if (isMoving && this.#match >= 0) this.onMove(this.#matches[this.#match]);
  }
}
