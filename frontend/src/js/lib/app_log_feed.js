/** Brings what a running app writes to the page, while it is looked at. */

/** @import { LogLine } from '../types' */
import { followApp, liveState } from './live.js';

/**
 * @param {string} name
 * @param {{ onLines(lines: LogLine[]): void, onState(state: 'live' | 'reconnecting'): void }} how
 */
export function appLogFeed(name, { onLines, onState }) {
  let last = 0;
  /** @type {(() => void) | null} */
  let end = null;
  const take = (/** @type {LogLine[]} */ lines) => {
    last = lines.at(-1)?.seq ?? last;
    onLines(lines);
  };
  const tell = () => onState(liveState.get() === 'open' ? 'live' : 'reconnecting');
  liveState.subscribe(tell);
  return {
    /**
     * What is out of sight is not asked for; it is caught up on afterwards.
     * @param {boolean} isInView
     */
    show(isInView) {
      if (isInView === (end !== null)) return;
      end?.();
      end = isInView ? followApp(name, take, last) : null;
      tell();
    },
  };
}
