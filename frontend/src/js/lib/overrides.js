/** What somebody wants otherwise than it was found: the keys of butler.yml, read and changed by their dotted names. */

/** @import { Overrides, Plan } from '../types' */

const REFUSED = new Set(['overrides-invalid']);

/**
 * The value at a dotted key as text; empty where there is none.
 * @param {Overrides | null | undefined} overrides
 * @param {string} key such as `run.port`
 */
export function valueAt(overrides, key) {
  /** @type {any} */
  let found = overrides;
  for (const part of key.split('.')) found = found?.[part];
  return found === null || found === undefined ? '' : String(found);
}

/**
 * The same with another value; an empty one takes the key out, and its section where nothing else is in it.
 * @param {Overrides | null | undefined} overrides
 * @param {string} key
 * @param {string} text
 * @returns {Overrides}
 */
export function withValue(overrides, key, text) {
  return placed(overrides ?? {}, key.split('.'), typed(key, text));
}

/**
 * @param {Overrides} overrides
 * @param {string[]} path
 * @param {string | number} value
 * @returns {Overrides}
 */
function placed(overrides, [first, ...rest], value) {
  const { [first]: old, ...others } = overrides;
  const now = rest.length ? placed(old ?? {}, rest, value) : value;
  const isEmpty = now === '' || (typeof now === 'object' && Object.keys(now).length === 0);
  return isEmpty ? others : { ...others, [first]: now };
}

/**
 * Every dotted key that has a value.
 * @param {Record<string, any> | null | undefined} overrides
 * @param {string} [above]
 * @returns {string[]}
 */
export function keysOf(overrides, above = '') {
  return Object.entries(overrides ?? {}).flatMap(([name, value]) => {
    const key = above + name;
    return value && typeof value === 'object' && !Array.isArray(value) ? keysOf(value, `${key}.`) : [key];
  });
}

/**
 * Whether a plan follows a key: its own name stands in the list, or that of its section.
 * @param {Plan} plan
 * @param {string} key
 */
export function isOverridable({ overridable = [] }, key) {
  return overridable.some((one) => one === key || key.startsWith(`${one}.`));
}

/**
 * What a refusal says of each key; empty where it is about something else.
 * @param {{ code?: string, message: string, hint?: string, lines?: string[] }} error
 * @returns {Map<string, string>}
 */
export function refusals({ code = '', message, hint = '', lines = [] }) {
  if (!REFUSED.has(code)) return new Map();
  const found = /** @type {[string, string][]} */ (
    lines.flatMap((line) => {
      const read = /^overrides(?::\d+)?: ([\w.-]+) (.+)$/.exec(line);
      return read ? [[read[1], sentence(read[2])]] : [];
    })
  );
  if (found.length) return new Map(found);
  const read = /^([\w-]+(?:\.[\w-]+)*) in the request: (.+)$/.exec(message);
  return read ? new Map([[read[1], `${sentence(read[2])} ${hint}`.trim()]]) : new Map();
}

/**
 * @param {string} key
 * @param {string} text
 */
function typed(key, text) {
  const isNumber = key === 'run.port' || key === 'resources.cpus';
  return isNumber && /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** @param {string} text */
function sentence(text) {
  const capital = text[0].toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
