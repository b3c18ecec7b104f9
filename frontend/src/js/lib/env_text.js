/** The text of a `.env` file as rows, with every mistake named by its line, and rows as text; `env_file.py` judges. */

/**
 * @typedef {{ name: string, value: string }} Variable
 * @typedef {{ line: number, text: string }} Mistake
 * @typedef {{
 *   line: number, lines: string[], isBlank: boolean, name: string, value: string, problem: string, head: string, tail: string,
 * }} Entry some lines of a file that belong together: a comment or an empty line (`isBlank`), or a variable. `head` is what
 *   stands before its value and `tail` the comment behind it; an entry of which nothing could be read has no name.
 */

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const ESCAPES = /** @type {Record<string, string>} */ ({
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
});

/**
 * @param {string} text
 * @returns {Entry[]}
 */
export function readEntries(text) {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/);
  /** @type {Entry[]} */
  const entries = [];
  const firstLines = new Map();
  for (let index = 0; index < lines.length; index += 1) {
    const { last, ...read } = readEntry(lines, index);
    const problem = read.problem || (read.isBlank ? '' : nameProblem(read.name, firstLines));
    if (!problem && !read.isBlank) firstLines.set(read.name, index + 1);
    entries.push({ ...read, problem, line: index + 1, lines: lines.slice(index, last + 1) });
    index = last;
  }
  return entries;
}

/**
 * @param {string} text
 * @returns {{ variables: Variable[], mistakes: Mistake[] }}
 */
export function parseEnv(text) {
  const entries = readEntries(text).filter((entry) => !entry.isBlank);
  return {
    variables: entries.flatMap(({ name, value, problem }) => (problem ? [] : { name, value })),
    mistakes: entries.flatMap(({ line, problem }) => (problem ? { line, text: problem } : [])),
  };
}

/**
 * Every variable that can be told, those with a name that is wrong or stands there twice too: their rows say so.
 * @param {string} text
 * @returns {Variable[]}
 */
export function variablesIn(text) {
  return readEntries(text).flatMap(({ name, value, isBlank }) => (isBlank || !name ? [] : { name, value }));
}

/**
 * The text with other variables: comments, empty lines and what cannot be read stay where they are, and so does every line
 * whose variable is the same; new variables come at the end.
 * @param {string} text
 * @param {Variable[]} variables
 */
export function withVariables(text, variables) {
  const left = [...variables];
  const lines = readEntries(text).flatMap((entry) => {
    if (entry.isBlank || !entry.name) return entry.lines;
    const index = left.findIndex(({ name }) => name === entry.name);
    if (index < 0) return [];
    const [{ value }] = left.splice(index, 1);
    return value === entry.value ? entry.lines : [`${entry.head}${quoted(value)}${entry.tail}`];
  });
  while (lines.length && !lines[lines.length - 1].trim()) lines.pop();
  const kept = lines.map((line) => `${line}\n`).join('');
  return kept + envText(left);
}

/**
 * Why a name cannot be one; empty where it can.
 * @param {string} name
 */
export function problemOfName(name) {
  if (NAME.test(name)) return '';
  if (!name) return 'A variable needs a name.';
  if (/^\d/.test(name)) return 'A name cannot start with a digit.';
  if (name.length > 128) return 'A name has at most 128 characters.';
  return 'A name holds letters, digits and _ only.';
}

/**
 * Rows as the text of a file that gives the same rows when it is read.
 * @param {Variable[]} variables
 */
export function envText(variables) {
  return variables.map(({ name, value }) => `${name}=${quoted(value)}\n`).join('');
}

/** @param {string} value */
function quoted(value) {
  const isPlain = !/[\r\n]/.test(value) && value === value.trim() && !/^["']|\s#/.test(value);
  if (isPlain) return value;
  return `'${value.replace(/[\\']/g, '\\$&')}'`;
}

/**
 * One entry, and the last line that it takes up.
 * @param {string[]} lines
 * @param {number} index
 */
function readEntry(lines, index) {
  const entry = { isBlank: false, name: '', value: '', problem: '', head: '', tail: '', last: index };
  const text = lines[index].trim();
  if (!text || text.startsWith('#')) return { ...entry, isBlank: true };
  const found = /^((?:export\s+)?('[^']+'|[^=\s]+)\s*(=?)\s*)(.*)$/.exec(text);
  if (!found) return { ...entry, problem: 'not of the form KEY=value' };
  const name = found[2].replace(/^'|'$/g, '');
  if (!found[3]) return { ...entry, problem: withoutValue(name, found[4]) };
  const named = { ...entry, name, head: found[1] };
  const quote = found[4][0];
  if (quote === '"' || quote === "'") return { ...named, ...readQuoted(lines, index, quote) };
  const tail = /\s+#.*$/.exec(found[4])?.[0] ?? '';
  return { ...named, value: found[4].slice(0, found[4].length - tail.length).trimEnd(), tail };
}

/**
 * @param {string} name
 * @param {string} rest
 */
function withoutValue(name, rest) {
  return rest ? 'not of the form KEY=value' : `${name} has no value; write ${name}= for an empty one`;
}

/**
 * @param {string[]} lines
 * @param {number} index
 * @param {string} quote
 */
function readQuoted(lines, index, quote) {
  const rest = [
    lines[index].slice(lines[index].indexOf(quote, lines[index].indexOf('=')) + 1),
    ...lines.slice(index + 1),
  ].join('\n');
  const found = (quote === '"' ? /^((?:\\[\s\S]|[^"\\])*)"([^\n]*)/ : /^((?:\\[\s\S]|[^'\\])*)'([^\n]*)/).exec(rest);
  // Nothing of it can be told: the lines stay as they are.
  if (!found) return { name: '', problem: 'a quote that does not end', last: index };
  const last = index + found[0].split('\n').length - 1;
  if (!/^\s*(#.*)?$/.test(found[2])) return { name: '', problem: 'something follows the closing quote', last };
  const value =
    quote === '"'
      ? found[1].replace(/\\([\\'"abfnrtv])/g, (_all, letter) => ESCAPES[letter] ?? letter)
      : found[1].replace(/\\([\\'])/g, '$1');
  return { value, last, tail: found[2].trimEnd() };
}

/**
 * @param {string} name
 * @param {Map<string, number>} firstLines
 */
function nameProblem(name, firstLines) {
  if (firstLines.has(name)) return `${name} is set already on line ${firstLines.get(name)}`;
  const problem = problemOfName(name);
  return problem && `${name.slice(0, 40)}: ${problem[0].toLowerCase()}${problem.slice(1, -1)}`;
}
