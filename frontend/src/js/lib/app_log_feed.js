/** Brings what a running app writes to the page, while it is looked at. */

/** @import { LogLine } from '../types' */
import { followApp, liveState } from './live.js';

/**
 * @param {string} name
 * @param {{ onLines(lines: LogLine[]): void, onState(state: 'live' | 'reconnecting' | 'ended'): void }} how
 */
export function appLogFeed(name, { onLines, onState }) {
  let last = 0;
  /** @type {(() => void) | null} */
  let end = null;
  const take = (/** @type {LogLine[]} */ lines) => {
    last = lines.at(-1)?.seq ?? last;
    onLines(lines);
  };
  let isRunning = true;
  const tell = () => onState(liveState.get() !== 'open' ? 'reconnecting' : isRunning ? 'live' : 'ended');
  liveState.subscribe(tell);
  return {
    /** @param {boolean} isUp whether the app runs, so that more may come */
    setRunning(isUp) {
      if (isRunning === isUp) return;
      isRunning = isUp;
      tell();
    },
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
