/** Brings the log of a release to the page: what is there in large pieces, then what comes, without a gap. */

/** @import { LogLine } from '../types' */
import { ApiError, request } from './api.js';
import { plainText } from './ansi.js';
import { appsApi } from './apps_api.js';
import { follow, liveState } from './live.js';

/**
 * Begins at once; the function that is returned ends it.
 * @param {string} name
 * @param {{
 *   release?: number, onLines(lines: LogLine[]): void, onState(state: 'loading' | 'live' | 'reconnecting' | 'ended'): void,
 *   onError(error: ApiError): void,
 * }} how
 */
export function feed(name, { release, onLines, onState, onError }) {
  const stop = new AbortController();
  let [last, isOver] = [0, false];
  let end = () => {};
  const tell = () => {
    if (stop.signal.aborted || isOver) return;
    onState(liveState.get() === 'open' ? 'live' : 'reconnecting');
  };
  const take = (/** @type {LogLine[]} */ lines) => {
    if (stop.signal.aborted || !lines.length) return;
    last = /** @type {LogLine} */ (lines.at(-1)).seq;
    onLines(lines);
  };
  const goOn = () => {
    end = follow(name, {
      release,
      after: last,
      onLines: take,
      onEnd() {
        isOver = true;
        if (!stop.signal.aborted) onState('ended');
      },
      onError: (error) => !stop.signal.aborted && onError(new ApiError({ ...error, status: 404 })),
    });
    tell();
  };
  const load = async () => {
    for await (const page of appsApi.logPages(name, { release, signal: stop.signal })) take(page.lines);
  };
  onState('loading');
  load()
    .then(() => !stop.signal.aborted && goOn())
    .catch((error) => !stop.signal.aborted && onError(error));
  const unsubscribe = liveState.subscribe(tell);
  return () => {
    stop.abort();
    unsubscribe();
    end();
  };
}

/**
 * The whole log of a release as a text file, as the server keeps it.
 * @param {string} name
 * @param {number | undefined} release
 */
export async function downloadLog(name, release) {
  /** @type {string[]} */
  const parts = [];
  for await (const { lines } of appsApi.logPages(name, { release })) {
    for (const { time, text } of lines) parts.push(`${time} ${plainText(text)}\n`);
  }
  save(parts, `${name}-${release ?? 'latest'}.log`);
}

/**
 * What an app wrote, as the server tells it.
 * @param {string} name
 * @param {string} path
 */
export async function downloadText(name, path) {
  const response = await request('GET', path, { headers: { Accept: 'text/plain' } });
  save([await response.text()], name);
}

/**
 * @param {string[]} parts
 * @param {string} fileName
 */
function save(parts, fileName) {
  const link = document.createElement('a');
  const address = URL.createObjectURL(new Blob(parts, { type: 'text/plain' }));
  link.href = address;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
