/** Chips that leave only the lines of some levels of a log, each with how many there are. */

/** @import { Level } from '../lib/log_level.js' */
import { el } from '../lib/dom.js';
import { LEVELS } from '../lib/log_level.js';

const WORDS = /** @type {Record<Level, string>} */ ({
  error: 'Errors',
  warn: 'Warnings',
  info: 'Info',
  debug: 'Debug',
});
/** Offered although there are none: that there are none is worth to be seen. */
const ALWAYS = new Set(['error', 'warn']);

/**
 * @param {{ onChoose(levels: Set<Level>): void }} how hears of what somebody chose; none means all
 * @returns {{ element: HTMLElement, show(counts: Record<Level, number>, total: number): void, clear(): void }}
 */
export function logLevels({ onChoose }) {
  /** @type {Set<Level>} */
  const levels = new Set();
  const all = chip('All', 'all');
  const chips = new Map(LEVELS.map((level) => [level, chip(WORDS[level], level)]));
  const mark = () => {
    all.button.setAttribute('aria-pressed', String(levels.size === 0));
    for (const [level, { button }] of chips) button.setAttribute('aria-pressed', String(levels.has(level)));
  };
  const clear = () => {
    levels.clear();
    mark();
  };
  all.button.addEventListener('click', () => {
    clear();
    onChoose(levels);
  });
  for (const [level, { button }] of chips) {
    button.addEventListener('click', () => {
      if (!levels.delete(level)) levels.add(level);
      mark();
      onChoose(levels);
    });
  }
  mark();
  return {
    element: el(
      'div',
      { class: 'log__levels', role: 'group', 'aria-label': 'Levels' },
      ...[all, ...chips.values()].map(({ button }) => button),
    ),
    show(counts, total) {
      all.setCount(total);
      for (const [level, { button, setCount }] of chips) {
        setCount(counts[level]);
        button.hidden = counts[level] === 0 && !ALWAYS.has(level) && !levels.has(level);
      }
    },
    clear,
  };
}

/**
 * @param {string} word
 * @param {Level | 'all'} level
 */
function chip(word, level) {
  const number = el('span', { class: 'chip__count numbers', text: '0' });
  const button = el('button', { class: 'chip', type: 'button', dataset: { level, empty: 'true' } }, word, ' ', number);
  return {
    button,
    /** @param {number} count */
    setCount(count) {
      const text = count.toLocaleString('en');
      if (number.textContent === text) return;
      number.textContent = text;
      button.dataset.empty = String(count === 0);
    },
  };
}
