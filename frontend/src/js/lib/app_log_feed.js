/** Brings what a running app writes to the page, while it is looked at. */

/** @import { LogLine } from '../types' */
import { api } from './api.js';

const TAIL_LINES = 1_000;
const INTERVAL_MILLISECONDS = 2_000;

/**
 * @param {string} name
 * @param {{ onLines(lines: LogLine[]): void, onState(state: 'loading' | 'live' | 'reconnecting'): void, onRestart(): void }} how
 *   `onRestart`: what comes belongs to another container
 */
export function appLogFeed(name, { onLines, onState, onRestart }) {
  /** @type {string[]} */
  let known = [];
  let seq = 0;
  let timer = 0;
  let isWanted = false;

  const ask = async () => {
    clearTimeout(timer);
    try {
      const { lines } = await api.logs(name, { source: 'app', limit: TAIL_LINES });
      const texts = lines.map(({ text }) => text);
      const count = overlap(known, texts, TAIL_LINES);
      if (count === null && known.length) {
        seq = 0;
        onRestart();
      }
      known = texts;
      onLines(lines.slice(count ?? 0).map((line) => ({ ...line, seq: (seq += 1) })));
      onState('live');
    } catch {
      onState('reconnecting');
    }
    if (isWanted) timer = setTimeout(ask, INTERVAL_MILLISECONDS);
  };
  return {
    /** @param {boolean} isInView */
    show(isInView) {
      if (isInView === isWanted) return;
      isWanted = isInView;
      if (isWanted) void ask();
      else clearTimeout(timer);
    },
  };
}

/**
 * How many of the lines at the beginning of `next` are known already; null where the two have nothing to do with each
 * other.
 * @param {string[]} known
 * @param {string[]} next
 * @param {number} most how many lines an answer holds at most
 * @returns {number | null}
 */
export function overlap(known, next, most) {
  const isEqual = (/** @type {number} */ shift) =>
    known.length - shift <= next.length && known.slice(shift).every((text, index) => text === next[index]);
  const furthest = next.length < most ? 0 : known.length - 1;
  for (let shift = 0; shift <= furthest; shift += 1) if (isEqual(shift)) return known.length - shift;
  return known.length ? null : 0;
}
