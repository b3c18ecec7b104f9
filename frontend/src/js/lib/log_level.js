/** How grave a line of a log is, from what it says of itself. */

/** @import { EventKind } from '../types' */

/** @typedef {'error' | 'warn' | 'info' | 'debug'} Level */

/** @type {readonly Level[]} */
export const LEVELS = ['error', 'warn', 'info', 'debug'];

const KINDS = /** @type {Partial<Record<EventKind, Level>>} */ ({
  failure: 'error',
  'stage-failed': 'error',
  warning: 'warn',
  note: 'info',
  'stage-started': 'info',
  'stage-finished': 'info',
  done: 'info',
});
const NAMES = /** @type {Record<string, Level>} */ ({
  emerg: 'error',
  emergency: 'error',
  alert: 'error',
  crit: 'error',
  critical: 'error',
  fatal: 'error',
  panic: 'error',
  severe: 'error',
  err: 'error',
  error: 'error',
  warn: 'warn',
  warning: 'warn',
  notice: 'info',
  info: 'info',
  information: 'info',
  log: 'info',
  debug: 'debug',
  trace: 'debug',
  verbose: 'debug',
  silly: 'debug',
});
const FIELDS = ['level', 'severity', 'levelname', 'log.level', 'lvl'];
// A program of a stack writes behind its service's name, and many write behind a time.
const JSON_TEXT = /^[^{]{0,80}(\{.*\})\s*$/;
const SYSLOG = /^<(\d{1,3})>/;
const LOGFMT = /(?:^|\s)(?:level|severity|lvl)="?([a-z]+|\d{1,3})\b/i;
// `[INFO]`, `INFO:`, `12:00:00 WARN x`: where it stands for the line, behind a service and times at most.
const LEAD =
  /^(?:[\w.-]+ +\| )?(?:\S*\d\S*\s+){0,5}[^a-z0-9]{0,12}(trace|debug|verbose|info|notice|warn|warning|error|err|crit|critical|fatal)\b[\]:|\s]/i;
const LEAD_LENGTH = 80;
const ERROR_WORDS =
  /(?<!\b(?:no|0|without|if|on) )\b(?:error|fatal|panic|critical|traceback|uncaught|failed|failure|segfault)\b(?!\s*[=:]\s*(?:0|null|none|false)\b)/i;
const ERROR_NAMES = /[a-z](?:Error|Exception)\b/;
const WARN_WORDS = /(?<!\b(?:no|0|without) )\b(?:warn|warning|deprecated)\b/i;

/**
 * In this order: what the Butler itself says, `level` or `severity` in JSON, a number of pino or syslog, logfmt, and
 * at last words. Null for a line that tells nothing.
 * @param {string} plain the text without its colours
 * @param {EventKind} kind
 * @returns {Level | null}
 */
export function levelOf(plain, kind) {
  return KINDS[kind] ?? inJson(plain) ?? inSyslog(plain) ?? inLogfmt(plain) ?? inWords(plain);
}

/** @param {string} text */
function inJson(text) {
  const found = text.endsWith('}') || text.endsWith('} ') ? JSON_TEXT.exec(text) : null;
  if (!found) return null;
  try {
    const record = JSON.parse(found[1]);
    const name = FIELDS.find((field) => record[field] !== undefined);
    return name ? named(record[name]) : null;
  } catch {
    return null;
  }
}

/** @param {string} text */
function inSyslog(text) {
  const found = text.startsWith('<') ? SYSLOG.exec(text) : null;
  return found ? ofSyslog(Number(found[1]) % 8) : null;
}

/** @param {string} text */
function inLogfmt(text) {
  const found = text.includes('=') ? LOGFMT.exec(text) : null;
  return found ? named(found[1]) : null;
}

/** @param {string} text */
function inWords(text) {
  const lead = LEAD.exec(text.slice(0, LEAD_LENGTH));
  if (lead) return NAMES[lead[1].toLowerCase()];
  if (ERROR_WORDS.test(text) || ERROR_NAMES.test(text)) return 'error';
  return WARN_WORDS.test(text) ? 'warn' : null;
}

/** @param {unknown} value a word, or a number of pino (10 to 60) or of syslog (0 to 7) */
function named(value) {
  const text = String(value).toLowerCase();
  if (!/^\d+$/.test(text)) return NAMES[text] ?? null;
  const number = Number(text);
  if (number < 8) return ofSyslog(number);
  if (number >= 50) return 'error';
  if (number >= 40) return 'warn';
  return number >= 30 ? 'info' : 'debug';
}

/** @param {number} severity @returns {Level} */
function ofSyslog(severity) {
  if (severity <= 3) return 'error';
  if (severity === 4) return 'warn';
  return severity < 7 ? 'info' : 'debug';
}
