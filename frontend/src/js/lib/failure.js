/** Which line of a failure's output shows best what happened. */

/** @import { Failure } from '../types' */
import { plainText } from './ansi.js';

const TELLING =
  /\b(error|not found|cannot|can't|could not|failed|refused|denied|missing|no such|exception|killed|invalid)\b/i;
const NOISE = /^\s*(\[|#\d+ |-+\s*$|Dockerfile:\d+)|did not complete successfully|complete log of this run/i;

/**
 * The line that has most in common with what is said about it; null where there are none.
 * @param {Failure} failure
 * @returns {string | null}
 */
export function keyLine({ message, lines }) {
  const words = new Set(message.toLowerCase().match(/[\w@./-]{3,}/g) ?? []);
  let [best, most] = [/** @type {string | null} */ (null), -Infinity];
  for (const line of lines.map(plainText)) {
    if (!line.trim()) continue;
    const shared = new Set((line.toLowerCase().match(/[\w@./-]{3,}/g) ?? []).filter((word) => words.has(word))).size;
    const score = shared * 2 + (TELLING.test(line) ? 2 : 0) - (NOISE.test(line) ? 5 : 0);
    if (score > most) [best, most] = [line, score];
  }
  return best;
}
