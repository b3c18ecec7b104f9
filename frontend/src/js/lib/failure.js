/** Which line of a failure's output shows best what happened. */

/** @import { Failure } from '../types' */
import { plainText } from './ansi.js';

const TELLING =
  /\b(error|not found|cannot|can't|could not|failed|refused|denied|missing|no such|exception|killed|invalid)\b/i;
/** What the builder says around a failure: it repeats the step, so it has much in common with any message. */
const NOISE =
  /^\s*(\[|#\d+ |-+\s*$|Dockerfile:\d+|\d+ \|)|failed to solve|did not complete successfully|complete log of this run/i;
const NOISE_PENALTY = 100;

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
    const score = shared * 2 + (TELLING.test(line) ? 2 : 0) - (NOISE.test(line) ? NOISE_PENALTY : 0);
    if (score > most) [best, most] = [line, score];
  }
  return best;
}
