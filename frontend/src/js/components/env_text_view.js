/** Variables as the text of a file, with numbered lines; what cannot be read is told by its line, and leads to it. */

import { el, fill, uniqueId } from '../lib/dom.js';
import { parseEnv } from '../lib/env_text.js';
import { plural } from '../lib/format.js';
import { icon } from './icon.js';

/** @import { Mistake } from '../lib/env_text.js' */

const FEWEST_ROWS = 6;
const MOST_ROWS = 20;
const COMMENTS = 'Comments stay in this text; the Butler keeps the variables only.';

export class EnvTextView {
  /** @param {{ label: string, comments?: string, onInput(): void }} what `comments` says what becomes of comments */
  constructor({ label, comments = COMMENTS, onInput }) {
    const errorId = uniqueId('error');
    this.gutter = el('pre', { class: 'envtext__lines', 'aria-hidden': 'true' });
    this.input = el('textarea', {
      class: 'envtext__input',
      'aria-label': label,
      'aria-describedby': errorId,
      placeholder: 'NAME=value',
      wrap: 'off',
      spellcheck: 'false',
      autocomplete: 'off',
      autocapitalize: 'off',
    });
    this.errors = el('div', { class: 'envtext__errors', id: errorId });
    this.note = el('p', { class: 'field__hint', hidden: true, text: comments });
    this.element = el(
      'div',
      { class: 'envtext' },
      el('div', { class: 'envtext__box' }, this.gutter, this.input),
      this.errors,
      this.note,
    );
    this.input.addEventListener('input', () => {
      this.#draw();
      onInput();
    });
    this.input.addEventListener('scroll', () => (this.gutter.scrollTop = this.input.scrollTop));
  }

  get text() {
    return this.input.value;
  }

  /** @param {string} text */
  set(text) {
    this.input.value = text;
    this.#draw();
  }

  focus() {
    this.input.focus();
  }

  /** Whether every line can be read; what is wrong shows as soon as it is. */
  check() {
    return this.input.getAttribute('aria-invalid') !== 'true';
  }

  #draw() {
    const { mistakes } = parseEnv(this.text);
    const wrong = new Set(mistakes.map(({ line }) => line));
    const lines = this.text.split('\n');
    const numbers = lines.map((_, index) =>
      wrong.has(index + 1) ? el('strong', { text: `${index + 1}\n` }) : `${index + 1}\n`,
    );
    fill(this.gutter, ...numbers);
    this.input.rows = Math.min(Math.max(lines.length, FEWEST_ROWS), MOST_ROWS);
    if (mistakes.length) this.input.setAttribute('aria-invalid', 'true');
    else this.input.removeAttribute('aria-invalid');
    fill(
      this.errors,
      mistakeList(mistakes, (line) => this.#goTo(line)),
    );
    this.note.hidden = !lines.some((line) => /^\s*#|\s#/.test(line));
  }

  /** @param {number} line from 1 */
  #goTo(line) {
    const lines = this.text.split('\n');
    const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    this.input.focus();
    this.input.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  }
}

/**
 * Lines that could not be read; each leads to its line where there is a way.
 * @param {Mistake[]} mistakes
 * @param {(line: number) => void} [goTo]
 */
export function mistakeList(mistakes, goTo) {
  if (!mistakes.length) return null;
  const items = mistakes.map(({ line, text }) => {
    const place = goTo
      ? el('button', { class: 'link-button', type: 'button', text: `Line ${line}`, on: { click: () => goTo(line) } })
      : el('strong', { text: `Line ${line}` });
    return el('li', {}, place, `: ${text}`);
  });
  return el(
    'div',
    {},
    el('p', { class: 'field__error' }, icon('circle-alert'), `${plural(items.length, 'line')} could not be read:`),
    el('ul', { class: 'env__mistakes' }, ...items),
  );
}
