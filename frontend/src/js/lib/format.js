/** Times, durations, sizes and counts as a person reads them. */

const STEPS = /** @type {const} */ ([
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]);
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' });
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/**
 * "3 minutes ago"; "just now" within a minute.
 * @param {string | number | Date} when
 * @param {number} [now]
 */
export function relativeTime(when, now = Date.now()) {
  const seconds = (new Date(when).getTime() - now) / 1000;
  if (Number.isNaN(seconds)) return '';
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return 'just now';
}

/**
 * Date, time and zone.
 * @param {string | number | Date} when
 */
export function exactTime(when) {
  const date = new Date(when);
  return Number.isNaN(date.getTime()) ? '' : exact.format(date);
}

/**
 * The time of day, for log lines.
 * @param {string | number | Date} when
 */
export function clockTime(when) {
  const date = new Date(when);
  return Number.isNaN(date.getTime()) ? '' : clock.format(date);
}

/**
 * "0.4s", "42s", "1m 23s", "2h 5m".
 * @param {number | null | undefined} seconds
 */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '';
  const whole = Math.floor(Math.max(0, seconds));
  if (seconds < 10) return `${(Math.max(0, Math.floor(seconds * 10)) / 10).toFixed(1)}s`;
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`;
}

/**
 * "3.4 GiB".
 * @param {number} bytes
 */
export function bytes(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let power = 0;
  while (bytes >= 1024 && power < units.length - 1) {
    bytes /= 1024;
    power += 1;
  }
  return `${power === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${units[power]}`;
}

/**
 * "1 app", "2 apps".
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/**
 * The first seven digits of a commit.
 * @param {string | null | undefined} sha
 */
export function shortSha(sha) {
  return sha ? sha.slice(0, 7) : '';
}

/**
 * "user/repo" of a Git address, for people.
 * @param {string} gitUrl
 */
export function repositoryName(gitUrl) {
  const path = gitUrl
    .replace(/^[a-z+]+:\/\/[^/]*\//i, '')
    .replace(/^[^/@]+@[^:]+:/, '')
    .replace(/\.git\/?$/, '')
    .replace(/\/+$/, '');
  return path.split('/').filter(Boolean).slice(-2).join('/') || gitUrl;
}
