/** The text of a `.env` file as rows, with every mistake named by its line, and rows as text; `env_file.py` judges. */

/**
 * @typedef {{ name: string, value: string }} Variable
 * @typedef {{ line: number, text: string }} Mistake
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
 * @returns {{ variables: Variable[], mistakes: Mistake[] }}
 */
export function parseEnv(text) {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/);
  /** @type {Variable[]} */
  const variables = [];
  /** @type {Mistake[]} */
  const mistakes = [];
  const firstLines = new Map();
  for (let index = 0; index < lines.length; index += 1) {
    const line = index + 1;
    const entry = readEntry(lines, index);
    index = entry.last;
    if (entry.isBlank) continue;
    const problem = entry.problem || nameProblem(entry.name, firstLines);
    if (problem) {
      mistakes.push({ line, text: problem });
      continue;
    }
    firstLines.set(entry.name, line);
    variables.push({ name: entry.name, value: entry.value });
  }
  return { variables, mistakes };
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
  const entry = { isBlank: false, name: '', value: '', problem: '', last: index };
  const text = lines[index].trim();
  if (!text || text.startsWith('#')) return { ...entry, isBlank: true };
  const found = /^(?:export\s+)?('[^']+'|[^=\s]+)\s*(=?)\s*(.*)$/.exec(text);
  if (!found) return { ...entry, problem: 'not of the form KEY=value' };
  const name = found[1].replace(/^'|'$/g, '');
  if (!found[2])
    return {
      ...entry,
      problem: found[3] ? 'not of the form KEY=value' : `${name} has no value; write ${name}= for an empty one`,
    };
  const quote = found[3][0];
  if (quote !== '"' && quote !== "'") return { ...entry, name, value: found[3].replace(/\s+#.*$/, '').trimEnd() };
  return { ...entry, name, ...readQuoted(lines, index, quote) };
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
  if (!found) return { problem: 'a quote that does not end', last: index };
  const last = index + found[0].split('\n').length - 1;
  if (!/^\s*(#.*)?$/.test(found[2])) return { problem: 'something follows the closing quote', last };
  const value =
    quote === '"'
      ? found[1].replace(/\\([\\'"abfnrtv])/g, (_all, letter) => ESCAPES[letter] ?? letter)
      : found[1].replace(/\\([\\'])/g, '$1');
  return { value, last };
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
